//! Holding parameters against a schema.

use serde_json::{Map, Value};

use super::node::{Bounds, Dependency, Items, Rest, Schema, Type, is_integer, same};

impl Schema {
    /// Every way in which `value` breaks the schema, in the validator's words: `(root).port : must
    /// be of type integer, given string`. Juju writes the value itself where this writes its type,
    /// since it may be a password.
    pub(crate) fn violations(&self, value: &Value) -> Vec<String> {
        let mut found = Found::default();
        self.hold("(root)", value, &mut found);
        found.violations
    }

    fn hold(&self, at: &str, value: &Value, found: &mut Found) {
        if !self.types.is_empty() && !self.types.iter().any(|kind| is_a(value, *kind)) {
            let names: Vec<&str> = self.types.iter().map(|kind| kind.name()).collect();
            let names = match names.as_slice() {
                [name] => (*name).to_owned(),
                several => format!("[{}]", several.join(",")),
            };
            return found.add(at, value, format!("must be of type {names}"));
        }
        self.hold_combined(at, value, found);
        match value {
            Value::Array(items) => self.hold_array(at, value, items, found),
            Value::Object(map) => self.hold_object(at, value, map, found),
            Value::Number(number) => {
                self.hold_number(at, value, number.as_f64().unwrap_or(f64::NAN), found);
            }
            Value::String(text) => self.hold_text(at, value, text, found),
            Value::Null | Value::Bool(_) => {}
        }
        if !self.choices.is_empty() && !self.choices.iter().any(|choice| same(choice, value)) {
            let choices: Vec<String> = self.choices.iter().map(Value::to_string).collect();
            found.add(
                at,
                value,
                format!("must match one of the enum values [{}]", choices.join(",")),
            );
        }
        found.passed();
        if let Value::Object(map) = value {
            for (name, property) in &self.properties {
                if let Some(value) = map.get(name) {
                    property.hold(&below(at, name), value, found);
                }
            }
        }
        found.passed();
    }

    fn apart(&self, at: &str, value: &Value) -> Found {
        let mut found = Found::default();
        self.hold(at, value, &mut found);
        found
    }

    fn hold_combined(&self, at: &str, value: &Value, found: &mut Found) {
        if !self.any_of.is_empty() {
            let tried: Vec<Found> =
                self.any_of.iter().map(|schema| schema.apart(at, value)).collect();
            if !tried.iter().any(Found::is_clean) {
                found.add(at, value, "must validate at least one schema (anyOf)");
                found.take_nearest(tried);
            }
        }
        if !self.one_of.is_empty() {
            let tried: Vec<Found> =
                self.one_of.iter().map(|schema| schema.apart(at, value)).collect();
            let clean = tried.iter().filter(|found| found.is_clean()).count();
            if clean != 1 {
                found.add(at, value, "must validate one and only one schema (oneOf)");
                if clean == 0 {
                    found.take_nearest(tried);
                }
            }
        }
        let mut all = true;
        for schema in &self.all_of {
            let tried = schema.apart(at, value);
            all &= tried.is_clean();
            found.merge(tried);
        }
        if !all {
            found.add(at, value, "must validate all the schemas (allOf)");
        }
        if self.not.as_ref().is_some_and(|schema| schema.apart(at, value).is_clean()) {
            found.add(at, value, "must not validate the schema (not)");
        }
        if let Value::Object(map) = value {
            for (name, dependency) in &self.dependencies {
                match dependency {
                    _ if !map.contains_key(name) => {}
                    Dependency::On(others) => {
                        for other in others.iter().filter(|other| !map.contains_key(*other)) {
                            found.add(at, value, format!("has a dependency on {other}"));
                        }
                    }
                    Dependency::Held(schema) => schema.hold(at, value, found),
                }
            }
        }
        found.passed();
    }

    fn hold_array(&self, at: &str, value: &Value, items: &[Value], found: &mut Found) {
        match &self.items {
            Items::NotGiven => {}
            Items::Each(schema) => {
                for (index, item) in items.iter().enumerate() {
                    found.merge(schema.apart(&below(at, &index.to_string()), item));
                }
            }
            // A shorter list is not looked at, and of a longer one only what is beyond.
            Items::InTurn(schemas) if schemas.len() == items.len() => {
                for (index, (schema, item)) in schemas.iter().zip(items).enumerate() {
                    found.merge(schema.apart(&below(at, &index.to_string()), item));
                }
            }
            Items::InTurn(schemas) if schemas.is_empty() => {}
            Items::InTurn(schemas) => match &self.additional_items {
                Rest::Allowed(false) if items.len() > schemas.len() => {
                    found.add(at, value, "no additional item allowed on array");
                }
                Rest::Held(schema) => {
                    for (index, item) in items.iter().enumerate().skip(schemas.len()) {
                        found.merge(schema.apart(&below(at, &index.to_string()), item));
                    }
                }
                Rest::NotGiven | Rest::Allowed(_) => {}
            },
        }
        match outside(self.count, items.len()) {
            Some(Outside::Below(least)) => {
                found.add(at, value, format!("array must have at least {least} items"));
            }
            Some(Outside::Above(most)) => {
                found.add(at, value, format!("array must have at the most {most} items"));
            }
            None => {}
        }
        if self.unique_items {
            for (index, item) in items.iter().enumerate() {
                if items.iter().take(index).any(|other| same(other, item)) {
                    found.add(at, value, "array items must be unique");
                }
            }
        }
        found.passed();
    }

    fn hold_object(&self, at: &str, value: &Value, map: &Map<String, Value>, found: &mut Found) {
        match outside(self.size, map.len()) {
            Some(Outside::Below(least)) => {
                found.add(at, value, format!("must have at least {least} properties"));
            }
            Some(Outside::Above(most)) => {
                found.add(at, value, format!("must have at the most {most} properties"));
            }
            None => {}
        }
        for name in &self.required {
            if map.contains_key(name) {
                found.passed();
            } else {
                found.add(at, value, format!("\"{name}\" property is missing and required"));
            }
        }
        if !matches!(self.additional_properties, Rest::Allowed(true)) {
            for (name, item) in map {
                self.hold_name(at, value, name, item, found);
            }
        }
        found.passed();
    }

    /// Holds one property of a map against what its name asks for, `properties` aside.
    fn hold_name(&self, at: &str, value: &Value, name: &str, item: &Value, found: &mut Found) {
        let (mut matched, mut clean) = (false, false);
        for (pattern, schema) in &self.pattern_properties {
            if pattern.is_match(name) {
                matched = true;
                let tried = schema.apart(&below(at, name), item);
                clean |= tried.is_clean();
                found.merge(tried);
            }
        }
        if clean {
            return found.passed();
        }
        let known = self.properties.contains_key(name) && !matched;
        match &self.additional_properties {
            Rest::Allowed(_) if !known => {
                found.add(at, value, format!("additional property \"{name}\" is not allowed"));
            }
            Rest::Held(schema) if !known => found.merge(schema.apart(at, item)),
            Rest::NotGiven if matched => {
                let patterns: Vec<String> = self
                    .pattern_properties
                    .iter()
                    .map(|(pattern, _)| format!("\"{}\"", pattern.as_str()))
                    .collect();
                let patterns = match patterns.as_slice() {
                    [pattern] => pattern.clone(),
                    several => format!("[{}]", several.join(",")),
                };
                found.add(
                    at,
                    value,
                    format!("property \"{name}\" does not match pattern {patterns}"),
                );
            }
            Rest::NotGiven | Rest::Allowed(_) | Rest::Held(_) => {}
        }
    }

    fn hold_text(&self, at: &str, value: &Value, text: &str, found: &mut Found) {
        match outside(self.length, text.chars().count()) {
            Some(Outside::Below(least)) => {
                found.add(at, value, format!("string length must be greater or equal to {least}"));
            }
            Some(Outside::Above(most)) => {
                found.add(at, value, format!("string length must be lower or equal to {most}"));
            }
            None => {}
        }
        if let Some(pattern) = self.pattern.as_ref().filter(|pattern| !pattern.is_match(text)) {
            found.add(at, value, format!("does not match pattern '{}'", pattern.as_str()));
        }
        found.passed();
    }

    /// The words for an exclusive bound and the other one are the wrong way round in the validator;
    /// they are put right here.
    fn hold_number(&self, at: &str, value: &Value, number: f64, found: &mut Found) {
        if let Some(step) = self.multiple_of.filter(|step| !is_integer(number / step)) {
            found.add(at, value, format!("must be a multiple of {step}"));
        }
        match self.maximum {
            Some(most) if self.exclusive_maximum && number >= most => {
                found.add(at, value, format!("must be lower than {most}"));
            }
            Some(most) if number > most => {
                found.add(at, value, format!("must be lower than or equal to {most}"));
            }
            _ => {}
        }
        match self.minimum {
            Some(least) if self.exclusive_minimum && number <= least => {
                found.add(at, value, format!("must be greater than {least}"));
            }
            Some(least) if number < least => {
                found.add(at, value, format!("must be greater than or equal to {least}"));
            }
            _ => {}
        }
        found.passed();
    }
}

/// The violations so far, and how near the value came: of several schemas, none of which fits, the
/// one with the highest score is told of.
#[derive(Debug, Default)]
struct Found {
    violations: Vec<String>,
    score: i64,
}

impl Found {
    fn add(&mut self, at: &str, value: &Value, why: impl AsRef<str>) {
        self.violations.push(format!("{at} : {}, given {}", why.as_ref(), kind_of(value)));
        self.score -= 2;
    }

    fn passed(&mut self) {
        self.score += 1;
    }

    fn is_clean(&self) -> bool {
        self.violations.is_empty()
    }

    fn merge(&mut self, other: Self) {
        self.violations.extend(other.violations);
        self.score += other.score;
    }

    /// Takes the violations of the one that came nearest; of two equal ones, the first.
    fn take_nearest(&mut self, tried: Vec<Self>) {
        let nearest = tried
            .into_iter()
            .reduce(|best, next| if next.score > best.score { next } else { best });
        if let Some(nearest) = nearest {
            self.merge(nearest);
        }
    }
}

/// The side on which a number lies outside of its bounds, and the bound.
enum Outside {
    Below(i64),
    Above(i64),
}

fn outside(bounds: Bounds, count: usize) -> Option<Outside> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    match bounds {
        Bounds { min: Some(min), .. } if count < min => Some(Outside::Below(min)),
        Bounds { max: Some(max), .. } if count > max => Some(Outside::Above(max)),
        _ => None,
    }
}

fn is_a(value: &Value, kind: Type) -> bool {
    match kind {
        Type::Array => value.is_array(),
        Type::Boolean => value.is_boolean(),
        Type::Integer => value.as_f64().is_some_and(is_integer),
        Type::Number => value.is_number(),
        Type::Null => value.is_null(),
        Type::Object => value.is_object(),
        Type::String => value.is_string(),
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn below(at: &str, name: &str) -> String {
    format!("{at}.{name}")
}
