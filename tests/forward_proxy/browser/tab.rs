//! A tab with a proxy, cookies and passwords of its own.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::chromium::{Chromium, result};

/// What the user does when the browser asks for a password.
#[derive(Clone, Copy)]
pub(super) enum Answer<'a> {
    /// Name and password, with a colon between them.
    LogIn(&'a str),
    Cancel,
}

/// A tab; it is closed when this is dropped.
pub(super) struct Tab<'a> {
    browser: &'a mut Chromium,
    context: String,
    session: String,
    answers: VecDeque<Answer<'a>>,
    events: Events,
}

/// What happened since the last visit.
#[derive(Default, Debug)]
pub(super) struct Events {
    /// The status of the page.
    pub(super) status: u64,
    /// The number of times that the user was asked for a password of the proxy.
    pub(super) prompts: usize,
    /// The URLs of all requests.
    pub(super) requests: Vec<String>,
    /// Messages on the console, and other complaints about the page.
    pub(super) console: Vec<Value>,
    has_loaded: bool,
}

impl<'a> Tab<'a> {
    /// Opens a tab that uses the proxy at this URL for everything.
    #[track_caller]
    pub(super) fn open(browser: &'a mut Chromium, proxy: &str) -> Self {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let context = json!({ "proxyServer": proxy, "proxyBypassList": "<-loopback>" });
        let context = browser.ask("Target.createBrowserContext", context);
        let context = text(&context["browserContextId"]);
        let target = json!({ "url": "about:blank", "browserContextId": context });
        let target = browser.ask("Target.createTarget", target);
        let session = json!({ "targetId": target["targetId"], "flatten": true });
        let session = text(&browser.ask("Target.attachToTarget", session)["sessionId"]);
        let events = Events::default();
        let mut tab = Self { browser, context, session, answers: VecDeque::new(), events };
        for domain in ["Audits", "Log", "Network", "Page", "Runtime"] {
            tab.ask(&format!("{domain}.enable"), json!({}));
        }
        tab.ask("Fetch.enable", json!({ "handleAuthRequests": true }));
        tab
    }

    /// Visits a page. The user gives these answers, one after the other, and then cancels.
    #[track_caller]
    pub(super) fn visit(&mut self, url: &str, answers: &[Answer<'a>]) {
        self.load("Page.navigate", json!({ "url": url }), answers);
    }

    #[track_caller]
    pub(super) fn reload(&mut self, answers: &[Answer<'a>]) {
        self.load("Page.reload", json!({}), answers);
    }

    #[track_caller]
    fn load(&mut self, method: &str, parameters: Value, answers: &[Answer<'a>]) {
        self.answers = answers.iter().copied().collect();
        self.events = Events::default();
        self.ask(method, parameters);
        while !self.events.has_loaded {
            let message = self.browser.next();
            self.handle(message);
        }
    }

    /// What has happened since the last visit began.
    pub(super) fn events(&self) -> &Events {
        &self.events
    }

    /// The value of an expression. Scripts of this kind run in a page that forbids scripts.
    #[track_caller]
    pub(super) fn evaluate(&mut self, expression: &str) -> Value {
        let expression =
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let mut value = self.ask("Runtime.evaluate", expression);
        assert!(value["exceptionDetails"].is_null(), "{value}");
        value["result"]["value"].take()
    }

    #[track_caller]
    pub(super) fn ask(&mut self, method: &str, parameters: Value) -> Value {
        let id = self.browser.send(Some(&self.session), method, parameters);
        loop {
            let message = self.browser.next();
            if message["id"] == id {
                return result(method, message);
            }
            self.handle(message);
        }
    }

    #[track_caller]
    fn handle(&mut self, message: Value) {
        if message["sessionId"] != self.session.as_str() {
            return;
        }
        let event = &message["params"];
        match message["method"].as_str() {
            Some("Page.loadEventFired") => self.events.has_loaded = true,
            Some("Network.requestWillBeSent") => {
                self.events.requests.extend(event["request"]["url"].as_str().map(str::to_owned));
            }
            Some("Network.responseReceived") if event["type"] == "Document" => {
                self.events.status = event["response"]["status"].as_u64().unwrap_or_default();
            }
            Some("Fetch.requestPaused") => {
                let request = json!({ "requestId": event["requestId"] });
                self.tell("Fetch.continueRequest", request);
            }
            Some("Fetch.authRequired") => self.answer_prompt(event),
            Some("Log.entryAdded") => self.events.console.push(event["entry"].clone()),
            Some("Runtime.consoleAPICalled" | "Runtime.exceptionThrown" | "Audits.issueAdded") => {
                self.events.console.push(event.clone());
            }
            _ => {}
        }
    }

    #[track_caller]
    fn answer_prompt(&mut self, event: &Value) {
        assert_eq!(event["authChallenge"]["source"], "Proxy", "{event}");
        self.events.prompts += 1;
        let answer = match self.answers.pop_front().unwrap_or(Answer::Cancel) {
            Answer::LogIn(credentials) => {
                let (user, password) = credentials.split_once(':').expect("name and password");
                json!({
                    "response": "ProvideCredentials",
                    "username": user,
                    "password": password,
                })
            }
            Answer::Cancel => json!({ "response": "CancelAuth" }),
        };
        let answer = json!({ "requestId": event["requestId"], "authChallengeResponse": answer });
        self.tell("Fetch.continueWithAuth", answer);
    }

    /// Sends a command whose reply does not matter.
    #[track_caller]
    fn tell(&mut self, method: &str, parameters: Value) {
        self.browser.send(Some(&self.session), method, parameters);
    }
}

impl Drop for Tab<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let context = json!({ "browserContextId": self.context });
            self.browser.ask("Target.disposeBrowserContext", context);
        }
    }
}
