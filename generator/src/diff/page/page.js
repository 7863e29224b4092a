
"use strict";
// Without this script everything can be read; with it groups can be searched,
// opened by keys, and shown side by side. It reads what the page holds and
// writes no markup.
(() => {
  const tools = document.getElementById("tools");
  if (!tools) return;
  const root = document.documentElement;
  const tool = (name) => document.getElementById("tool-" + name);
  const [search, found] = [tool("search"), tool("found")];
  const help = document.getElementById("help");
  const groups = Array.from(document.querySelectorAll("details.group"));

  // --- Where one is -------------------------------------------------------

  const current = () => document.activeElement.closest("details.group");

  function go(group) {
    group.firstElementChild.focus();
    remember();
  }

  // The next group that is shown, in the direction of `step`.
  function move(step) {
    const from = current();
    let number = from ? groups.indexOf(from) + step : step > 0 ? 0 : -1;
    while (groups[number] && groups[number].hidden) number += step;
    if (groups[number]) go(groups[number]);
  }

  // --- The address: #group-12,side,wrap ------------------------------------

  const views = ["side", "wrap"];
  let waiting;

  // Browsers allow few changes of the address a second.
  function remember() {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      const group = current();
      const parts = views.filter((view) => root.classList.contains(view));
      if (group) parts.unshift(group.id);
      try {
        history.replaceState(null, "", "#" + parts.join(","));
      } catch {
        // A sandbox may forbid it; nothing else depends on it.
      }
    }, 200);
  }

  function show(view, on) {
    root.classList.toggle(view, on);
    tool(view).setAttribute("aria-pressed", String(on));
  }

  function toggleView(view) {
    show(view, !root.classList.contains(view));
    remember();
  }

  function followAddress() {
    const parts = decodeURIComponent(location.hash.slice(1)).split(",");
    for (const view of views) show(view, parts.includes(view));
    const group = groups.find((one) => parts.includes(one.id));
    if (!group) return;
    group.hidden = false;
    group.open = true;
    group.scrollIntoView();
    group.firstElementChild.focus({ preventScroll: true });
  }

  // --- Search ---------------------------------------------------------------

  let texts;

  // Shows the groups that have all words.
  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    texts ??= groups.map((group) => group.textContent.toLowerCase());
    let shown = 0;
    groups.forEach((group, number) => {
      const has = words.every((word) => texts[number].includes(word));
      if (group.hidden === has) group.hidden = !has;
      if (has) shown += 1;
    });
    found.textContent = words.length ? `${shown} of ${groups.length}` : "";
  }

  let typing;
  search.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(filter, 120);
  });
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      clearTimeout(typing);
      filter();
      const first = groups.find((group) => !group.hidden);
      if (first) go(first);
    } else if (event.key === "Escape") {
      search.value = "";
      filter();
      search.blur();
    } else {
      return;
    }
    event.preventDefault();
  });

  // --- Open and close ---------------------------------------------------------

  let turn = 0;

  // Opens or closes all that are shown, some hundred at a time, so that the
  // page answers meanwhile; a later call ends an earlier one.
  function setAll(open) {
    const mine = ++turn;
    const rest = groups.filter((group) => !group.hidden && group.open !== open);
    const some = () => {
      for (const group of rest.splice(0, 500)) group.open = open;
      if (rest.length && mine === turn) setTimeout(some);
    };
    some();
  }

  function toggle() {
    const group = current();
    if (!group) return;
    group.open = !group.open;
    go(group);
  }

  // --- Copy -------------------------------------------------------------------

  // Buttons are made when a group is opened: most never are.
  function addButtons(group) {
    if (group.dataset.ready) return;
    group.dataset.ready = "yes";
    for (const place of group.querySelectorAll(".file, div.path")) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "copy";
      button.setAttribute("aria-label", "Copy " + place.firstElementChild.textContent);
      place.append(button);
    }
  }

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Where the page may not use the clipboard, the old way does.
      const area = document.createElement("textarea");
      area.value = text;
      area.setAttribute("readonly", "");
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest(".copy");
    if (button) {
      await copy(button.parentElement.firstElementChild.textContent);
      button.focus({ preventScroll: true });
      button.classList.add("done");
      setTimeout(() => button.classList.remove("done"), 1500);
    } else if (event.target.closest(".group > summary")) {
      remember();
    }
  });
  // This event doesn't bubble.
  document.addEventListener("toggle", (event) => {
    if (event.target.open && event.target.classList.contains("group")) addButtons(event.target);
  }, true);

  // --- Keys -------------------------------------------------------------------

  const keys = {
    "/": () => { search.focus(); search.select(); },
    j: () => move(1),
    k: () => move(-1),
    o: toggle,
    e: () => setAll(true),
    c: () => setAll(false),
    s: () => toggleView("side"),
    w: () => toggleView("wrap"),
    "?": () => help.showModal(),
  };

  document.addEventListener("keydown", (event) => {
    const busy = event.ctrlKey || event.metaKey || event.altKey || event.isComposing || help.open;
    if (busy || event.target.closest("input, textarea") || !Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  });

  tool("side").addEventListener("click", keys.s);
  tool("wrap").addEventListener("click", keys.w);
  tool("expand").addEventListener("click", keys.e);
  tool("collapse").addEventListener("click", keys.c);
  tool("keys").addEventListener("click", keys["?"]);

  tools.hidden = false;
  for (const group of groups) if (group.open) addButtons(group);
  followAddress();
  addEventListener("hashchange", followAddress);
})();
