//! What a hook is told about its surroundings whatever has happened: the way out, the collector of
//! traces, the agent's secret.

use std::fmt;

use super::error::Error;
use super::vars::Vars;

/// The shared secret of a hook that runs far from its agent (Juju up to 3.6, pod-spec charms). It
/// cannot be printed.
#[derive(Clone)]
pub struct AgentToken(Box<str>);

impl AgentToken {
    pub(super) fn from_vars(vars: &Vars) -> Result<Option<Self>, Error> {
        Ok(vars.text("JUJU_AGENT_TOKEN")?.map(|token| Self(token.into())))
    }

    /// The token itself, to be handed on and never logged.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AgentToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AgentToken(..)")
    }
}

/// The model's proxy settings (`JUJU_CHARM_*_PROXY`). Juju applies none of them: the charm must.
/// They may hold passwords, so `Debug` shows none.
#[derive(Clone, Default)]
pub struct Proxies {
    http: Option<Box<str>>,
    https: Option<Box<str>>,
    ftp: Option<Box<str>>,
    no_proxy: Option<Box<str>>,
}

impl Proxies {
    pub(super) fn from_vars(vars: &Vars) -> Result<Self, Error> {
        Ok(Self {
            http: vars.text("JUJU_CHARM_HTTP_PROXY")?.map(Into::into),
            https: vars.text("JUJU_CHARM_HTTPS_PROXY")?.map(Into::into),
            ftp: vars.text("JUJU_CHARM_FTP_PROXY")?.map(Into::into),
            no_proxy: vars.text("JUJU_CHARM_NO_PROXY")?.map(Into::into),
        })
    }

    /// The proxy for `http` URLs.
    #[must_use]
    pub fn http(&self) -> Option<&str> {
        self.http.as_deref()
    }

    /// The proxy for `https` URLs.
    #[must_use]
    pub fn https(&self) -> Option<&str> {
        self.https.as_deref()
    }

    /// The proxy for `ftp` URLs.
    #[must_use]
    pub fn ftp(&self) -> Option<&str> {
        self.ftp.as_deref()
    }

    /// The hosts that are reached without a proxy, comma-separated.
    #[must_use]
    pub fn no_proxy(&self) -> Option<&str> {
        self.no_proxy.as_deref()
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proxies(..)")
    }
}

/// Where a charm sends its traces, and the span that it continues (Juju 4).
#[derive(Debug, Clone, Default)]
pub struct TraceTarget {
    http: Option<Box<str>>,
    grpc: Option<Box<str>>,
    ca_cert: Option<Box<str>>,
    trace_id: Option<Box<str>>,
    span_id: Option<Box<str>>,
    flags: Option<Box<str>>,
}

impl TraceTarget {
    pub(super) fn from_vars(vars: &Vars) -> Result<Self, Error> {
        Ok(Self {
            http: vars.text("JUJU_CHARM_TRACE_CONFIG_HTTP")?.map(Into::into),
            grpc: vars.text("JUJU_CHARM_TRACE_CONFIG_GRPC")?.map(Into::into),
            ca_cert: vars.text("JUJU_CHARM_TRACE_CONFIG_CA_CERT")?.map(Into::into),
            trace_id: vars.text("JUJU_TRACE_ID")?.map(Into::into),
            span_id: vars.text("JUJU_SPAN_ID")?.map(Into::into),
            flags: vars.text("JUJU_TRACE_FLAGS")?.map(Into::into),
        })
    }

    /// The collector's HTTP endpoint.
    #[must_use]
    pub fn http(&self) -> Option<&str> {
        self.http.as_deref()
    }

    /// The collector's gRPC endpoint.
    #[must_use]
    pub fn grpc(&self) -> Option<&str> {
        self.grpc.as_deref()
    }

    /// The certificate authority of the collector.
    #[must_use]
    pub fn ca_cert(&self) -> Option<&str> {
        self.ca_cert.as_deref()
    }

    /// The trace that the agent's own span belongs to.
    #[must_use]
    pub fn trace_id(&self) -> Option<&str> {
        self.trace_id.as_deref()
    }

    /// The agent's span, parent of the charm's.
    #[must_use]
    pub fn span_id(&self) -> Option<&str> {
        self.span_id.as_deref()
    }

    /// The trace's flags.
    #[must_use]
    pub fn flags(&self) -> Option<&str> {
        self.flags.as_deref()
    }
}
