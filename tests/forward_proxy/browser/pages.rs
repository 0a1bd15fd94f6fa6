//! What users see whose requests are refused, in each language.

use super::{
    checkers, checks,
    chromium::Chromium,
    tab::{Answer, Tab},
};
use crate::{
    pages::refused,
    scenes::{CONTACT, SCENES, Scene},
};

/// The languages of a browser, and the one that the pages are in.
const LANGUAGES: [(&str, &str); 2] = [("en-US,en", "en"), ("ja,en-US,en", "ja")];

#[test]
#[ignore = "needs chromium and axe-core"]
fn an_english_user_sees_every_page() {
    check_pages(LANGUAGES[0]);
}

#[test]
#[ignore = "needs chromium and axe-core"]
fn a_japanese_user_sees_every_page() {
    check_pages(LANGUAGES[1]);
}

#[test]
#[ignore = "needs java and vnu-jar"]
fn every_page_is_valid_html() {
    let mut pages = Vec::new();
    for scene in SCENES {
        let scene = scene();
        for (_, language) in LANGUAGES {
            let answer = refused(&scene, "text/html", language);
            pages.push((format!("{}-{language}", scene.name), answer.body));
        }
    }
    assert_eq!(checkers::html(&pages), [""; 0]);
}

#[track_caller]
fn check_pages((languages, language): (&str, &str)) {
    let mut browser = Chromium::start(languages);
    let mut problems = Vec::new();
    for scene in SCENES {
        let scene = scene();
        let name = format!("{}-{language}", scene.name);
        let mut tab = Tab::open(&mut browser, &scene.proxy.url());
        let answers: Vec<_> = scene.credentials.map(Answer::LogIn).into_iter().collect();
        tab.visit(&scene.url, &answers);
        let mut found = facts(&mut tab, &scene, language);
        found.extend(checks::side_effects(&mut tab, &scene.url));
        found.extend(checks::looks(&mut tab, &name));
        found.extend(other_requests(&scene));
        problems.extend(found.iter().map(|problem| format!("{name}: {problem}")));
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

/// What is wrong with the content of a page.
#[track_caller]
fn facts(tab: &mut Tab<'_>, scene: &Scene, language: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let mut check = |is_so: bool, problem: String| {
        if !is_so {
            problems.push(problem);
        }
    };
    let (status, prompts) = (tab.events().status, tab.events().prompts);
    check(status == u64::from(scene.status), format!("status {status}"));
    let expected = match scene.name {
        // A user who was asked again has cancelled.
        "407-wrong-password" => 2,
        "503-maintenance" => 0,
        _ => 1,
    };
    check(prompts == expected, format!("{prompts} prompts"));
    let mut text = |expression: &str| tab.evaluate(expression).as_str().unwrap().to_owned();
    let shown = text("document.documentElement.lang");
    check(shown == language, format!("the language is {shown}"));
    let (title, heading) = (text("document.title"), text("document.querySelector('h1').innerText"));
    check(title == heading, format!("the title is {title}, and the heading {heading}"));
    check(title.is_ascii() == (language == "en"), format!("the title is {title}"));
    let body = text("document.body.innerText");
    check(body.contains(CONTACT), format!("no contact in {body}"));
    let reference = text("document.querySelector('dd code').innerText");
    check(reference.len() == 12, format!("the reference is {reference}"));
    scene.awaits_in_log(&reference);
    problems
}

/// The requests that reached the proxy and are not for the page.
fn other_requests(scene: &Scene) -> Vec<String> {
    // The browser asks for an icon by itself.
    let allowed = ["", "favicon.ico"].map(|path| format!(" target={}{path} ", scene.url));
    let log = scene.proxy.stderr();
    let requests = log.lines().filter(|line| line.contains("access_log: request "));
    let others = requests.filter(|line| !allowed.iter().any(|target| line.contains(target)));
    others.map(str::to_owned).collect()
}
