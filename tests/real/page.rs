//! A real browser opens the page of `gen diff`, and uses it as people do.
//!
//! The pages, and pictures of them, stay in the `page` folder of cargo's folder for
//! tests (`target/tmp`), to be looked at.

mod previews;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use logfleet_generator::diff::layout::page::to_html;
use logfleet_generator::diff::preview::Preview;
use serde_json::json;

use crate::browser::Browser;

const LONG: usize = 10_000;
/// Until the long page can be seen. On an idle machine it takes a tenth of this.
const SEEN_WITHIN: f64 = 15_000.0;

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page");
    fs::create_dir_all(&folder).expect("cargo's own folder");
    folder
}

fn write(name: &str, preview: &Preview) -> PathBuf {
    let start = Instant::now();
    let html = to_html(preview);
    tell(&format!(
        "{name}: {} bytes, written in {:?}",
        html.len(),
        start.elapsed()
    ));
    let file = folder().join(name);
    fs::write(&file, html).expect("writable");
    file
}

/// Figures are printed, not judged: machines differ.
fn tell(figure: &str) {
    // Not by `eprintln!`, which the test harness hides for tests that pass.
    writeln!(io::stderr(), "MEASURED: {figure}").expect("standard error is open");
}

/// How many groups are shown, and how many are open.
fn shown_and_open(browser: &mut Browser) -> (u64, u64) {
    let counts = browser.evaluate(
        "[':not([hidden])', '[open]'].map((which) => document.querySelectorAll('.group' + which).length)",
    );
    (
        counts[0].as_u64().expect("a count"),
        counts[1].as_u64().expect("a count"),
    )
}

/// Waits until an expression is true.
fn wait_for(browser: &mut Browser, expression: &str) {
    let kept = browser.evaluate(&format!(
        "new Promise((done) => {{ const end = Date.now() + 20000; \
         const look = () => {{ const is = Boolean({expression}); is || Date.now() > end ? done(is) : setTimeout(look, 10); }}; look(); }})"
    ));
    assert_eq!(kept, true, "{expression}");
}

fn status(browser: &mut Browser) -> String {
    let text = browser.evaluate("document.querySelector('[role=status]').textContent");
    text.as_str().expect("a text").to_owned()
}

fn focused(browser: &mut Browser) -> String {
    let id = browser.evaluate("document.activeElement.closest('.group')?.id ?? ''");
    id.as_str().expect("a text").to_owned()
}

/// Milliseconds that something takes until the browser has painted again.
const UNTIL_PAINTED: &str = "((act) => new Promise((done) => { const start = performance.now(); act(); \
     requestAnimationFrame(() => setTimeout(() => done(performance.now() - start))); }))";

#[test]
fn ten_thousand_changes_open_fast_and_are_searched() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let file = write("long.html", &previews::long(LONG));
    browser.look(1200, "light");
    browser.open(&file, "");
    let seen = browser.evaluate(&format!(
        "{UNTIL_PAINTED}(() => {{}}).then(() => [performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd, performance.now()])"
    ));
    let (parsed, painted) = (seen[0].as_f64().expect("ms"), seen[1].as_f64().expect("ms"));
    tell(&format!(
        "{LONG} groups: DOMContentLoaded after {parsed:.0} ms, painted and idle before {painted:.0} ms"
    ));
    assert!(painted < SEEN_WITHIN, "{painted} ms");
    assert_eq!(shown_and_open(&mut browser), (LONG as u64, 0));

    // Every third group is an image; one cluster's name is in one group.
    let search = |browser: &mut Browser, text: &str| {
        let found = browser.evaluate(&format!(
            "{UNTIL_PAINTED}(() => {{ const input = document.querySelector('input'); input.focus(); input.value = {}; \
             input.dispatchEvent(new Event('input')); input.dispatchEvent(new KeyboardEvent('keydown', {{key: 'Enter'}})); }})",
            json!(text)
        ));
        tell(&format!(
            "search for {text:?}: {:.0} ms",
            found.as_f64().expect("ms")
        ));
    };
    search(&mut browser, "CONTAINERS[fluentd].image nodes/daemonset");
    assert_eq!(status(&mut browser), "3334 of 10000");
    assert_eq!(shown_and_open(&mut browser).0, 3334);
    search(&mut browser, "cluster-00123");
    assert_eq!(status(&mut browser), "1 of 10000");
    assert_eq!(focused(&mut browser), "group-124");
    search(&mut browser, "");
    assert_eq!(
        (
            status(&mut browser).as_str(),
            shown_and_open(&mut browser).0
        ),
        ("", LONG as u64)
    );

    // Only what the search shows is opened; what it found first is so already.
    browser.press("c");
    search(&mut browser, "install.sh");
    browser.press("e");
    wait_for(
        &mut browser,
        "document.querySelectorAll('.group[open]').length === 3333",
    );
    search(&mut browser, "");
    let start = Instant::now();
    browser.press("e");
    wait_for(
        &mut browser,
        "document.querySelectorAll('.group:not([open])').length === 0",
    );
    tell(&format!("all expanded after {:?}", start.elapsed()));
    let start = Instant::now();
    browser.press("c");
    wait_for(
        &mut browser,
        "document.querySelectorAll('.group[open]').length === 0",
    );
    tell(&format!("all collapsed after {:?}", start.elapsed()));
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn keys_and_buttons_do_what_they_say() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let file = write("whole.html", &previews::whole());
    browser.look(1200, "light");
    browser.open(&file, "");
    assert_eq!(shown_and_open(&mut browser), (4, 3));

    for (key, there) in [
        ("j", "group-1"),
        ("j", "group-2"),
        ("j", "group-3"),
        ("k", "group-2"),
    ] {
        browser.press(key);
        assert_eq!(focused(&mut browser), there);
    }
    for key in ["o", "o", "Enter"] {
        let before = browser.evaluate("document.getElementById('group-2').open");
        browser.press(key);
        assert_ne!(
            browser.evaluate("document.getElementById('group-2').open"),
            before,
            "{key}"
        );
    }
    wait_for(&mut browser, "location.hash === '#group-2'");

    // Side by side, kept in the address.
    let beside = "(() => { const [old, now] = ['.old', '.new'].map((one) => document.querySelector('#group-1 ' + one).getBoundingClientRect()); \
         return old.top === now.top && old.right <= now.left; })()";
    assert_eq!(browser.evaluate(beside), false);
    browser.press("s");
    assert_eq!(browser.evaluate(beside), true);
    wait_for(&mut browser, "location.hash === '#group-2,side'");
    browser.open(&file, "#group-3,side");
    assert_eq!(browser.evaluate(beside), true);
    assert_eq!(
        browser.evaluate("document.getElementById('group-3').open"),
        true
    );
    assert_eq!(focused(&mut browser), "group-3");
    browser.evaluate("document.getElementById('tool-side').click()");
    assert_eq!(browser.evaluate(beside), false);

    // Search by keys; a hit of a word in a long list of names.
    browser.press("/");
    browser.type_text("cluster-00995");
    wait_for(
        &mut browser,
        "document.querySelector('[role=status]').textContent === '1 of 4, 1 above'",
    );
    browser.press("Enter");
    assert_eq!(focused(&mut browser), "group-1");
    browser.press("/");
    browser.press("Escape");
    assert_eq!(shown_and_open(&mut browser).0, 4);
    finds_all_and_leads_there(&mut browser);

    browser.press("?");
    assert_eq!(
        browser.evaluate("document.querySelector('dialog').open"),
        true
    );
    browser.press("j");
    browser.evaluate("document.querySelector('dialog button').click()");
    assert_eq!(
        browser.evaluate("document.querySelector('dialog').open"),
        false
    );

    browser.evaluate("document.querySelector('#group-2 .copy').focus()");
    browser.press("c");
    assert_eq!(shown_and_open(&mut browser).1, 0);
    assert_eq!(focused(&mut browser), "group-2");
    browser.press("e");
    assert_eq!(shown_and_open(&mut browser).1, 4);

    // With the clipboard, and where the page has none.
    for (without, wanted) in [(false, ".path"), (true, ".file")] {
        if without {
            browser.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})");
        } else {
            browser.evaluate("globalThis.clipboard = navigator.clipboard; 1");
            browser.call(
                "Browser.grantPermissions",
                &json!({"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}),
            );
        }
        let place = format!("document.querySelector('#group-1 {wanted}')");
        wait_for(&mut browser, &format!("{place}.querySelector('.copy')"));
        browser.evaluate(&format!("{place}.querySelector('.copy').click()"));
        wait_for(
            &mut browser,
            &format!("{place}.querySelector('.copy.done')"),
        );
        let copied = browser.evaluate("clipboard.readText()");
        let path = "rendered/cluster-00000.k8s.example.com/kubernetes/nodes/daemonset.yaml";
        let place = "spec.template.spec.containers[fluentd].image";
        assert_eq!(copied, if without { path } else { place });
    }
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

/// Whether the bar of tools hides nothing of the first group.
const IS_BELOW_THE_BAR: &str = "document.getElementById('group-1').getBoundingClientRect().top >= \
     document.getElementById('tools').getBoundingClientRect().bottom";

/// What stands above the groups is found as well, and leads to them.
fn finds_all_and_leads_there(browser: &mut Browser) {
    let count = "[document.querySelectorAll('article:not([hidden])').length, \
         document.querySelectorAll('.clusters tbody tr:not([hidden])').length, CSS.highlights.get('found').size > 0]";
    for (text, found, status) in [
        ("account: \"111122223333", [1, 0], "0 of 4, 1 above"),
        ("old.example.com", [0, 1], "0 of 4, 1 above"),
        ("cluster-removed rendered", [1, 0], "0 of 4, 1 above"),
    ] {
        browser.press("Escape");
        browser.press("/");
        browser.type_text(text);
        let is_told = format!("document.querySelector('[role=status]').textContent === '{status}'");
        wait_for(browser, &is_told);
        browser.press("Enter");
        assert_eq!(
            browser.evaluate(count),
            json!([found[0], found[1], true]),
            "{text}"
        );
    }
    // A link to a group that the search hides shows it, and clears the search.
    browser.evaluate("document.querySelector('#dangers a').click()");
    assert_eq!(focused(browser), "group-1");
    assert_eq!(shown_and_open(browser).0, 4);
    for width in [1200, 800] {
        browser.look(width, "light");
        browser.evaluate("scrollTo(0, 0)");
        browser.evaluate("document.querySelector('#dangers a').click()");
        wait_for(browser, IS_BELOW_THE_BAR);
    }
    browser.look(1200, "light");
}

#[test]
fn any_address_opens_the_page() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let file = write("address.html", &previews::whole());
    for address in ["#%", "#%E0%A4%A", "#group-99", "#nothing,side"] {
        browser.open(&file, address);
        assert_eq!(shown_and_open(&mut browser), (4, 3), "{address}");
    }
    browser.look(800, "light");
    browser.open(&file, "#group-1,side");
    wait_for(&mut browser, "scrollY > 0");
    assert_eq!(browser.evaluate(IS_BELOW_THE_BAR), true);
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

/// The least contrast of a text with what is behind it
/// (<https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio>), and where that is.
const LEAST_CONTRAST: &str = "(() => {
  const light = (color) => {
    const [r, g, b] = color.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255)
      .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (; element; element = element.parentElement) {
      const color = getComputedStyle(element).backgroundColor;
      if (!/, 0\\)$/.test(color)) return color;
    }
  };
  let least = [99, ''];
  for (const element of document.querySelectorAll('body *')) {
    const text = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!text || !element.checkVisibility()) continue;
    const both = [getComputedStyle(element).color, behind(element)].map(light).sort((a, b) => b - a);
    const ratio = (both[0] + 0.05) / (both[1] + 0.05);
    if (ratio < least[0]) least = [ratio, element.outerHTML.slice(0, 120)];
  }
  return least;
})()";

#[test]
fn it_can_be_read_on_any_screen_in_any_light_and_without_its_script() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let file = write("screens.html", &previews::whole());
    for (width, scheme) in [
        (1200, "light"),
        (1200, "dark"),
        (390, "light"),
        (390, "dark"),
    ] {
        browser.look(width, scheme);
        browser.open(&file, "");
        browser.press("e");
        let over = browser.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth",
        );
        assert_eq!(over, 0, "wider than {width}");
        let least = browser.evaluate(LEAST_CONTRAST);
        assert!(
            least[0].as_f64().is_some_and(|ratio| ratio >= 4.5),
            "{scheme}: {least}"
        );
        let ink = browser.evaluate("getComputedStyle(document.body).color");
        let is_dark = ink.as_str().is_some_and(|ink| ink.starts_with("rgb(230,"));
        assert_eq!(is_dark, scheme == "dark", "{ink}");
        assert_eq!(browser.complaints(), Vec::<String>::new());
    }

    browser.call(
        "Emulation.setScriptExecutionDisabled",
        &json!({"value": true}),
    );
    browser.open(&file, "");
    let without = "[document.getElementById('tools').checkVisibility(), document.querySelectorAll('.copy').length, \
         document.querySelector('#group-1 .old').checkVisibility()]";
    assert_eq!(browser.evaluate(without), json!([false, 0, true]));
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
