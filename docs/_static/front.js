// The moving picture of the front page. It plays once when it comes into view, from its first frame, and can be
// paused and played again. Who asked for less motion sees where all ends, and may play it.
const families = document.querySelector(".families");
if (families) {
  const button = families.querySelector("button");
  const last = families.querySelector(".family:last-of-type .end");
  const show = (state) => {
    if (state) families.dataset.state = state;
    else delete families.dataset.state;
    button.textContent = { playing: "Pause", paused: "Go on" }[state] ?? "Play";
  };
  button.addEventListener("click", () => {
    show(families.dataset.state === "playing" ? "paused" : "playing");
  });
  last.addEventListener("animationend", () => show());
  addEventListener("beforeprint", () => show());
  button.hidden = false;
  if (!matchMedia("(prefers-reduced-motion: reduce)").matches) {
    const seen = new IntersectionObserver(([entry]) => {
      if (!entry.isIntersecting) return;
      seen.disconnect();
      if (!families.dataset.state) show("playing");
    }, { threshold: 0.3 });
    seen.observe(families);
  }
}
