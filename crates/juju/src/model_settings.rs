//! The settings that every hook gets from its model and its agent: proxies, the collector of
//! traces, and the agent's token.

use std::fmt;

use super::error::Error;
use super::vars::Vars;

/// The token with which a hook tool authenticates to an agent in another pod.
///
/// Only pod-spec charms have one (Juju up to 3.6). `Debug` does not print the token.
#[derive(Clone)]
pub struct AgentToken(Box<str>);

impl AgentToken {
    pub(super) fn from_vars(vars: &Vars) -> Result<Option<Self>, Error> {
        Ok(vars.text("JUJU_AGENT_TOKEN")?.map(|token| Self(token.into())))
    }

    /// Returns the token. It is a secret: pass it on, but do not log it.
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

/// The proxy settings of the model (`JUJU_CHARM_*_PROXY`).
///
/// Juju only passes them on; the charm has to apply them to its own connections. A proxy's URL may
/// hold a password, so `Debug` shows none of them.
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

    /// Returns the proxy for `http` URLs.
    #[must_use]
    pub fn http(&self) -> Option<&str> {
        self.http.as_deref()
    }

    /// Returns the proxy for `https` URLs.
    #[must_use]
    pub fn https(&self) -> Option<&str> {
        self.https.as_deref()
    }

    /// Returns the proxy for `ftp` URLs.
    #[must_use]
    pub fn ftp(&self) -> Option<&str> {
        self.ftp.as_deref()
    }

    /// Returns the hosts that are reached without a proxy, separated by commas.
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

/// The collector that a charm sends its traces to, and the span that they continue (Juju 4).
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

    /// Returns the collector's HTTP endpoint.
    #[must_use]
    pub fn http(&self) -> Option<&str> {
        self.http.as_deref()
    }

    /// Returns the collector's gRPC endpoint.
    #[must_use]
    pub fn grpc(&self) -> Option<&str> {
        self.grpc.as_deref()
    }

    /// Returns the certificate authority of the collector.
    #[must_use]
    pub fn ca_cert(&self) -> Option<&str> {
        self.ca_cert.as_deref()
    }

    /// Returns the id of the trace that the agent's span belongs to.
    #[must_use]
    pub fn trace_id(&self) -> Option<&str> {
        self.trace_id.as_deref()
    }

    /// Returns the id of the agent's span, which is the parent of the charm's spans.
    #[must_use]
    pub fn span_id(&self) -> Option<&str> {
        self.span_id.as_deref()
    }

    /// Returns the flags of the trace.
    #[must_use]
    pub fn flags(&self) -> Option<&str> {
        self.flags.as_deref()
    }
}
