
"use strict";
// Without this script everything can be read; with it all of it can be searched,
// groups opened by keys, and shown side by side. It reads what the page holds and
// writes no markup.
(() => {
  const tools = document.getElementById("tools");
  if (!tools) return;
  const root = document.documentElement;
  const tool = (name) => document.getElementById("tool-" + name);
  const [search, found] = [tool("search"), tool("found")];
  const help = document.getElementById("help");
  const all = (selector) => Array.from(document.querySelectorAll(selector));
  const groups = all("details.group");

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
    lookAgain();
  }

  function toggleView(view) {
    show(view, !root.classList.contains(view));
    remember();
  }

  function address() {
    try {
      return decodeURIComponent(location.hash.slice(1)).split(",");
    } catch {
      // Not everything after a `#` was written by this page.
      return [];
    }
  }

  function followAddress() {
    const parts = address();
    for (const view of views) show(view, parts.includes(view));
    const group = groups.find((one) => parts.includes(one.id));
    if (group) lead(group);
  }

  // The bar may have two lines; on a narrow screen it stays where it is.
  function tellBar() {
    const stays = getComputedStyle(tools).position === "sticky";
    root.style.setProperty("--bar", `${stays ? tools.offsetHeight : 0}px`);
  }

  // Shows a group, whatever is searched for.
  function lead(group) {
    if (group.hidden) clear();
    group.open = true;
    tellBar();
    group.scrollIntoView();
    group.firstElementChild.focus({ preventScroll: true });
  }

  // --- Search ---------------------------------------------------------------

  // What stands above the groups, piece by piece, and the sections of it.
  const pieces = all("section article, .settings tbody tr, .clusters tbody tr, .new-clusters");
  const sections = new Set(pieces.map((piece) => piece.closest("section")));
  const stacks = all(".stack");
  const most = 2000;
  let words = [];
  let texts;

  const shown = (things) => things.filter((thing) => !thing.hidden);

  // Hides those that lack one of the words.
  function hide(things, texts) {
    things.forEach((thing, number) => {
      const has = words.every((word) => texts[number].includes(word));
      if (thing.hidden === has) thing.hidden = !has;
    });
    return shown(things).length;
  }

  function filter() {
    words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    texts ??= [groups, pieces].map((things) => things.map((thing) => thing.textContent.toLowerCase()));
    const [ofGroups, ofPieces] = [hide(groups, texts[0]), hide(pieces, texts[1])];
    for (const section of sections) {
      section.hidden = words.length > 0 && !pieces.some((piece) => !piece.hidden && section.contains(piece));
    }
    root.classList.toggle("searched", words.length > 0);
    for (const stack of stacks) {
      const some = words.length ? shown(Array.from(stack.children)).length : stack.children.length;
      stack.hidden = !some;
      stack.style.setProperty("--shown", some);
    }
    const above = ofPieces ? `, ${ofPieces} above` : "";
    found.textContent = words.length ? `${ofGroups} of ${groups.length}${above}` : "";
    mark();
  }

  function clear() {
    search.value = "";
    filter();
  }

  // Where the words stand, in the order of the page.
  function* hits(thing) {
    const walker = document.createTreeWalker(thing, NodeFilter.SHOW_TEXT);
    while (words.length && walker.nextNode()) {
      const node = walker.currentNode;
      const text = node.data.toLowerCase();
      // Few characters are two in lower case; then places are not the same.
      if (text.length !== node.data.length) continue;
      for (const word of words) {
        for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) {
          const range = new Range();
          range.setStart(node, at);
          range.setEnd(node, at + word.length);
          yield range;
        }
      }
    }
  }

  // Marks them without a change of the page, where the browser can.
  function mark() {
    if (!globalThis.Highlight || !CSS.highlights) return;
    const marks = new Highlight();
    for (const thing of words.length ? [...shown(pieces), ...shown(groups)] : []) {
      if (marks.size >= most) break;
      for (const range of hits(thing)) marks.add(range);
    }
    CSS.highlights.set("found", marks);
  }

  // Groups that are opened later have marks as well.
  function markMore(group) {
    const marks = globalThis.Highlight && CSS.highlights?.get("found");
    if (!marks || marks.size < most) return;
    for (const range of hits(group)) marks.add(range);
  }

  // Opens what the first hit stands in, and goes there.
  function goToFirst() {
    const first = shown(groups)[0] ?? (words.length ? shown(pieces)[0] : undefined);
    if (!first) return;
    const hit = hits(first).next().value?.startContainer;
    for (let at = hit?.parentElement?.closest("details"); at; at = at.parentElement.closest("details")) {
      if (!at.firstElementChild.contains(hit)) at.open = true;
    }
    if (first.localName === "details") {
      if (words.length) first.open = true;
      go(first);
    } else {
      first.scrollIntoView({ block: "center" });
    }
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
      goToFirst();
    } else if (event.key === "Escape") {
      clear();
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
    // What has the focus must not vanish with it.
    const group = current();
    if (!open && group && !group.hidden) go(group);
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
      button.title = copied(place);
      button.setAttribute("aria-label", "Copy " + copied(place));
      place.append(button);
    }
  }

  // A file as a path that can be used, a place as it stands.
  const copied = (place) => place.dataset.copy ?? place.firstElementChild.textContent;

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
      await copy(copied(button.parentElement));
      button.focus({ preventScroll: true });
      button.classList.add("done");
      setTimeout(() => button.classList.remove("done"), 1500);
    } else if (event.target.closest(".group > summary")) {
      remember();
    }
    // A link to a group leaves the views as they are.
    const link = event.target.closest("a[href^='#group-']");
    const group = link && groups.find((one) => one.id === link.hash.slice(1));
    if (group) {
      event.preventDefault();
      lead(group);
      remember();
    }
  });
  // This event doesn't bubble.
  document.addEventListener("toggle", (event) => {
    const group = event.target;
    if (group.open && group.classList.contains("group")) whenOpen(group);
  }, true);

  function whenOpen(group) {
    addButtons(group);
    markMore(group);
    watchScrolling(group);
  }

  // --- Scrolling ----------------------------------------------------------------

  // What is larger than its place can be scrolled by keys. That is looked at
  // where it comes in sight: else thousands would have to be laid out.
  const inSight = new Set();

  function setScrolling(box) {
    for (const one of [box, ...box.children]) {
      const scrolls = one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1;
      const can = scrolls && getComputedStyle(one).overflowX !== "visible";
      if (can === one.hasAttribute("tabindex")) continue;
      for (const [name, value] of [["tabindex", "0"], ["role", "region"], ["aria-label", "Lines, to be scrolled"]]) {
        if (can) one.setAttribute(name, value);
        else one.removeAttribute(name);
      }
    }
  }

  const sight = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) inSight.add(target);
      else inSight.delete(target);
      if (isIntersecting) setScrolling(target);
    }
  });

  function watchScrolling(place) {
    for (const box of place.querySelectorAll(".diff, .excerpt")) sight.observe(box);
  }

  const lookAgain = () => inSight.forEach(setScrolling);
  addEventListener("resize", lookAgain);

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
  new ResizeObserver(tellBar).observe(tools);
  for (const group of groups) if (group.open) whenOpen(group);
  for (const section of sections) watchScrolling(section);
  followAddress();
  addEventListener("hashchange", followAddress);
})();
