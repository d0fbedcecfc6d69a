//! What a handler waits for in a container, and the notices that it leaves and finds there.

use std::time::Duration;

use super::container::Container;
use super::error::Result;
use crate::pebble::{CheckInfo, Notice, NoticeId, NoticeQuery, Notify, ServiceInfo};

impl Container {
    /// Records a custom notice; gives its id. For a `<container>-pebble-custom-notice` hook of this
    /// or another charm.
    ///
    /// # Errors
    ///
    /// If Pebble does not answer or refuses, or is older than 1.5. One whose answer was lost is not
    /// sent again: it may have been recorded.
    pub async fn notify(&self, notice: &Notify) -> Result<NoticeId> {
        self.client().notify(notice).await.map_err(|error| self.error(error))
    }

    /// The notices that match the query.
    ///
    /// # Errors
    ///
    /// If Pebble does not answer or refuses, or is older than 1.5.
    pub async fn notices(&self, query: &NoticeQuery) -> Result<Vec<Notice>> {
        self.client().notices(query).await.map_err(|error| self.error(error))
    }

    /// Waits until a service is active and has been so for `stays`, for at most `deadline` of time
    /// in which Pebble answers.
    ///
    /// # Errors
    ///
    /// If Pebble does not answer, if the plan has no such service, or if it is not so at the
    /// deadline: then the event is stored, and the unit waits with what was seen as its status.
    pub async fn wait_service_active(
        &self,
        name: &str,
        stays: Duration,
        deadline: Duration,
    ) -> Result<ServiceInfo> {
        self.client()
            .wait_service_active(name, stays, deadline)
            .await
            .map_err(|error| self.error(error))
    }

    /// Waits until a check is up and has passed, for at most `deadline` of time in which Pebble
    /// answers.
    ///
    /// # Errors
    ///
    /// If Pebble does not answer, if the plan has no such check, or if it is not so at the
    /// deadline: then the event is stored, and the unit waits with what was seen as its status.
    pub async fn wait_check_up(&self, name: &str, deadline: Duration) -> Result<CheckInfo> {
        self.client().wait_check_up(name, deadline).await.map_err(|error| self.error(error))
    }
}
