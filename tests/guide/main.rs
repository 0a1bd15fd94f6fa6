//! Checks the documents against the code, and runs the validator battery on the guide's validator.

#[allow(dead_code, reason = "the example uses the rest")]
#[path = "../../examples/http_validator/answer.rs"]
mod answer;
#[path = "../../examples/http_validator/queue.rs"]
mod queue;
#[allow(dead_code, reason = "the example uses the rest")]
#[path = "../../examples/http_validator/service.rs"]
mod service;
#[allow(dead_code, reason = "the example uses the rest")]
#[path = "../../examples/http_validator/validator.rs"]
mod validator;

mod documents;
mod reasons;
#[path = "../support/mod.rs"]
mod support;

use std::{net::TcpListener, sync::Mutex};

use service::{Service, User};
use validator::HttpValidator;

use crate::support::validator_battery::{BackEnd, SOON, battery};

/// The validator of the guide, with the services and listeners that must outlive it.
#[derive(Default)]
struct OverHttp {
    services: Mutex<Vec<Service>>,
    hanging: Mutex<Vec<TcpListener>>,
}

fn validator_of(listener: &TcpListener) -> HttpValidator {
    let url = format!("http://{}/check", listener.local_addr().unwrap());
    HttpValidator::new(url.parse().unwrap(), "token").unwrap().with_timeout(SOON)
}

impl BackEnd for OverHttp {
    type Validator = HttpValidator;

    async fn holding(&self, users: &[(&str, &str)]) -> HttpValidator {
        let users = users.iter().map(|(name, password)| User::new(name, password)).collect();
        let service = Service::start(users).await.unwrap();
        let validator = HttpValidator::new(service.url(), service.token()).unwrap();
        self.services.lock().unwrap().push(service);
        validator
    }

    /// Connections are made, but never accepted.
    async fn hanging(&self) -> Option<HttpValidator> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let validator = validator_of(&listener);
        self.hanging.lock().unwrap().push(listener);
        Some(validator)
    }

    /// Connections are refused: the listener is dropped at once.
    async fn failing(&self) -> Option<HttpValidator> {
        Some(validator_of(&TcpListener::bind("127.0.0.1:0").unwrap()))
    }
}

battery!(over_http: OverHttp::default());
