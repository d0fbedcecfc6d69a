//! [`Schema::violations`] validates parameters against a schema.

use serde_json::{Map, Value};

use super::node::{Additional, Bounds, Dependency, Items, Schema, Type, is_equal, is_integer};

impl Schema {
    /// Returns every violation of the schema by a value, with the text of Juju's validator, such as
    /// `(root).port : must be of type integer, given string`.
    ///
    /// Juju prints the value itself after `given`. Here the type of the value stands there, since
    /// the value may be a password.
    pub(crate) fn violations(&self, value: &Value) -> Vec<String> {
        let mut result = ValidationResult::default();
        self.validate("(root)", value, &mut result);
        result.violations
    }

    /// Adds the violations of a value at a path to a result.
    ///
    /// The calls of `increment_score` stand where Juju's validator has them. The score decides
    /// which of several schemas `anyOf` and `oneOf` report.
    fn validate(&self, path: &str, value: &Value, result: &mut ValidationResult) {
        if !self.types.is_empty() && !self.types.iter().any(|kind| has_type(value, *kind)) {
            let names: Vec<&str> = self.types.iter().map(|kind| kind.name()).collect();
            let names = match names.as_slice() {
                [name] => (*name).to_owned(),
                several => format!("[{}]", several.join(",")),
            };
            // Juju's validator looks at no other keyword then.
            return result.add(path, value, format!("must be of type {names}"));
        }
        self.validate_combined(path, value, result);
        match value {
            Value::Array(items) => self.validate_array(path, value, items, result),
            Value::Object(map) => self.validate_object(path, value, map, result),
            Value::Number(number) => {
                self.validate_number(path, value, number.as_f64().unwrap_or(f64::NAN), result);
            }
            Value::String(text) => self.validate_text(path, value, text, result),
            Value::Null | Value::Bool(_) => {}
        }
        if !self.enum_values.is_empty()
            && !self.enum_values.iter().any(|choice| is_equal(choice, value))
        {
            let choices: Vec<String> = self.enum_values.iter().map(Value::to_string).collect();
            result.add(
                path,
                value,
                format!("must match one of the enum values [{}]", choices.join(",")),
            );
        }
        result.increment_score();
        if let Value::Object(map) = value {
            for (name, property) in &self.properties {
                if let Some(value) = map.get(name) {
                    property.validate(&child_path(path, name), value, result);
                }
            }
        }
        result.increment_score();
    }

    /// Validates a value into a result of its own, which the caller may drop.
    fn validate_alone(&self, path: &str, value: &Value) -> ValidationResult {
        let mut result = ValidationResult::default();
        self.validate(path, value, &mut result);
        result
    }

    /// Validates a value by `anyOf`, `oneOf`, `allOf`, `not` and `dependencies`.
    fn validate_combined(&self, path: &str, value: &Value, result: &mut ValidationResult) {
        if !self.any_of.is_empty() {
            let tried: Vec<ValidationResult> =
                self.any_of.iter().map(|schema| schema.validate_alone(path, value)).collect();
            if !tried.iter().any(ValidationResult::is_valid) {
                result.add(path, value, "must validate at least one schema (anyOf)");
                result.merge_best(tried);
            }
        }
        if !self.one_of.is_empty() {
            let tried: Vec<ValidationResult> =
                self.one_of.iter().map(|schema| schema.validate_alone(path, value)).collect();
            let clean = tried.iter().filter(|result| result.is_valid()).count();
            if clean != 1 {
                result.add(path, value, "must validate one and only one schema (oneOf)");
                if clean == 0 {
                    result.merge_best(tried);
                }
            }
        }
        let mut all = true;
        for schema in &self.all_of {
            let tried = schema.validate_alone(path, value);
            all &= tried.is_valid();
            result.merge(tried);
        }
        if !all {
            result.add(path, value, "must validate all the schemas (allOf)");
        }
        if self.not.as_ref().is_some_and(|schema| schema.validate_alone(path, value).is_valid()) {
            result.add(path, value, "must not validate the schema (not)");
        }
        if let Value::Object(map) = value {
            for (name, dependency) in &self.dependencies {
                match dependency {
                    _ if !map.contains_key(name) => {}
                    Dependency::Properties(others) => {
                        for other in others.iter().filter(|other| !map.contains_key(*other)) {
                            result.add(path, value, format!("has a dependency on {other}"));
                        }
                    }
                    Dependency::Schema(schema) => schema.validate(path, value, result),
                }
            }
        }
        result.increment_score();
    }

    fn validate_array(
        &self,
        path: &str,
        value: &Value,
        items: &[Value],
        result: &mut ValidationResult,
    ) {
        match &self.items {
            Items::NotGiven => {}
            Items::Each(schema) => {
                for (index, item) in items.iter().enumerate() {
                    result
                        .merge(schema.validate_alone(&child_path(path, &index.to_string()), item));
                }
            }
            // Juju's validator ignores the schemas if the list has another length. Of a longer list
            // it looks at the further items only.
            Items::Tuple(schemas) if schemas.len() == items.len() => {
                for (index, (schema, item)) in schemas.iter().zip(items).enumerate() {
                    result
                        .merge(schema.validate_alone(&child_path(path, &index.to_string()), item));
                }
            }
            Items::Tuple(schemas) if schemas.is_empty() => {}
            Items::Tuple(schemas) => match &self.additional_items {
                Additional::Allowed(false) if items.len() > schemas.len() => {
                    result.add(path, value, "no additional item allowed on array");
                }
                Additional::Schema(schema) => {
                    for (index, item) in items.iter().enumerate().skip(schemas.len()) {
                        result.merge(
                            schema.validate_alone(&child_path(path, &index.to_string()), item),
                        );
                    }
                }
                Additional::NotGiven | Additional::Allowed(_) => {}
            },
        }
        match compare_with_bounds(self.item_count, items.len()) {
            Some(Outside::Below(least)) => {
                result.add(path, value, format!("array must have at least {least} items"));
            }
            Some(Outside::Above(most)) => {
                result.add(path, value, format!("array must have at the most {most} items"));
            }
            None => {}
        }
        if self.unique_items {
            for (index, item) in items.iter().enumerate() {
                if items.iter().take(index).any(|other| is_equal(other, item)) {
                    result.add(path, value, "array items must be unique");
                }
            }
        }
        result.increment_score();
    }

    fn validate_object(
        &self,
        path: &str,
        value: &Value,
        map: &Map<String, Value>,
        result: &mut ValidationResult,
    ) {
        match compare_with_bounds(self.property_count, map.len()) {
            Some(Outside::Below(least)) => {
                result.add(path, value, format!("must have at least {least} properties"));
            }
            Some(Outside::Above(most)) => {
                result.add(path, value, format!("must have at the most {most} properties"));
            }
            None => {}
        }
        for name in &self.required {
            if map.contains_key(name) {
                result.increment_score();
            } else {
                result.add(path, value, format!("\"{name}\" property is missing and required"));
            }
        }
        if !matches!(self.additional_properties, Additional::Allowed(true)) {
            for (name, item) in map {
                self.validate_name(path, value, name, item, result);
            }
        }
        result.increment_score();
    }

    /// Validates one property by `patternProperties` and `additionalProperties`.
    fn validate_name(
        &self,
        path: &str,
        value: &Value,
        name: &str,
        item: &Value,
        result: &mut ValidationResult,
    ) {
        let (mut has_matching_pattern, mut clean) = (false, false);
        for (pattern, schema) in &self.pattern_properties {
            if pattern.is_match(name) {
                has_matching_pattern = true;
                let tried = schema.validate_alone(&child_path(path, name), item);
                clean |= tried.is_valid();
                result.merge(tried);
            }
        }
        if clean {
            return result.increment_score();
        }
        let known = self.properties.contains_key(name) && !has_matching_pattern;
        match &self.additional_properties {
            Additional::Allowed(_) if !known => {
                result.add(path, value, format!("additional property \"{name}\" is not allowed"));
            }
            Additional::Schema(schema) if !known => result.merge(schema.validate_alone(path, item)),
            Additional::NotGiven if has_matching_pattern => {
                let patterns: Vec<String> = self
                    .pattern_properties
                    .iter()
                    .map(|(pattern, _)| format!("\"{}\"", pattern.as_str()))
                    .collect();
                let patterns = match patterns.as_slice() {
                    [pattern] => pattern.clone(),
                    several => format!("[{}]", several.join(",")),
                };
                result.add(
                    path,
                    value,
                    format!("property \"{name}\" does not match pattern {patterns}"),
                );
            }
            Additional::NotGiven | Additional::Allowed(_) | Additional::Schema(_) => {}
        }
    }

    fn validate_text(&self, path: &str, value: &Value, text: &str, result: &mut ValidationResult) {
        match compare_with_bounds(self.string_length, text.chars().count()) {
            Some(Outside::Below(least)) => {
                result.add(
                    path,
                    value,
                    format!("string length must be greater or equal to {least}"),
                );
            }
            Some(Outside::Above(most)) => {
                result.add(path, value, format!("string length must be lower or equal to {most}"));
            }
            None => {}
        }
        if let Some(pattern) = self.pattern.as_ref().filter(|pattern| !pattern.is_match(text)) {
            result.add(path, value, format!("does not match pattern '{}'", pattern.as_str()));
        }
        result.increment_score();
    }

    /// Validates a number. Juju's validator has the texts of an exclusive and of an inclusive bound
    /// the wrong way round; here they are right.
    fn validate_number(
        &self,
        path: &str,
        value: &Value,
        number: f64,
        result: &mut ValidationResult,
    ) {
        if let Some(step) = self.multiple_of.filter(|step| !is_integer(number / step)) {
            result.add(path, value, format!("must be a multiple of {step}"));
        }
        match self.maximum {
            Some(most) if self.exclusive_maximum && number >= most => {
                result.add(path, value, format!("must be lower than {most}"));
            }
            Some(most) if number > most => {
                result.add(path, value, format!("must be lower than or equal to {most}"));
            }
            _ => {}
        }
        match self.minimum {
            Some(least) if self.exclusive_minimum && number <= least => {
                result.add(path, value, format!("must be greater than {least}"));
            }
            Some(least) if number < least => {
                result.add(path, value, format!("must be greater than or equal to {least}"));
            }
            _ => {}
        }
        result.increment_score();
    }
}

/// The violations that were found so far, and a score. If a value matches none of several schemas,
/// the violations of the schema with the highest score are reported, as in Juju's validator.
#[derive(Debug, Default)]
struct ValidationResult {
    violations: Vec<String>,
    score: i64,
}

impl ValidationResult {
    fn add(&mut self, path: &str, value: &Value, why: impl AsRef<str>) {
        self.violations.push(format!("{path} : {}, given {}", why.as_ref(), kind_of(value)));
        self.score -= 2;
    }

    fn increment_score(&mut self) {
        self.score += 1;
    }

    fn is_valid(&self) -> bool {
        self.violations.is_empty()
    }

    fn merge(&mut self, other: Self) {
        self.violations.extend(other.violations);
        self.score += other.score;
    }

    /// Adds the violations of the result with the highest score; of equal scores, of the first.
    fn merge_best(&mut self, tried: Vec<Self>) {
        let nearest = tried
            .into_iter()
            .reduce(|best, next| if next.score > best.score { next } else { best });
        if let Some(nearest) = nearest {
            self.merge(nearest);
        }
    }
}

/// The bound that a number violates.
enum Outside {
    Below(i64),
    Above(i64),
}

fn compare_with_bounds(bounds: Bounds, count: usize) -> Option<Outside> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    match bounds {
        Bounds { min: Some(min), .. } if count < min => Some(Outside::Below(min)),
        Bounds { max: Some(max), .. } if count > max => Some(Outside::Above(max)),
        _ => None,
    }
}

fn has_type(value: &Value, kind: Type) -> bool {
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

fn child_path(path: &str, name: &str) -> String {
    format!("{path}.{name}")
}
