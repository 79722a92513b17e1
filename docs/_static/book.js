// The theme's sidebar folds its sections with a summary that holds an icon only: name it.
for (const summary of document.querySelectorAll("nav details > summary")) {
  if (summary.textContent.trim()) continue;
  const link = summary.closest("li")?.querySelector("a");
  const name = link ? link.textContent.trim() : "this section";
  summary.setAttribute("aria-label", `Show or hide the pages of ${name}`);
}

// A box that scrolls sideways must be reachable with the keyboard, and shows that it goes on.
const boxes = "div.math, .table-box, .highlight pre, .pst-scrollable-table-container, .cell_output .output";
const fading = `${boxes}, div.math mjx-container`;
const fade = (box) => box.classList.toggle("goes-on", box.scrollWidth > box.clientWidth + box.scrollLeft + 2);
const reachable = () => {
  for (const box of document.querySelectorAll(boxes)) {
    if (box.scrollWidth > box.clientWidth + 1) box.setAttribute("tabindex", "0");
  }
  for (const box of document.querySelectorAll(fading)) fade(box);
};
document.addEventListener("scroll", (event) => event.target.matches?.(fading) && fade(event.target), { capture: true, passive: true });
reachable();
window.addEventListener("load", reachable);
window.addEventListener("resize", reachable);
document.addEventListener("toggle", reachable, true);
window.MathJax?.startup?.promise?.then(reachable);

// What an address points to may stand in a fold: open it.
const unfold = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  let box = target?.closest("details");
  if (!box) return;
  for (; box; box = box.parentElement.closest("details")) box.open = true;
  target.scrollIntoView();
};
unfold();
window.addEventListener("hashchange", unfold);
