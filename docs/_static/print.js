// Make a page ready for paper when it is printed, and put it back afterwards.
const paper = () => {
  const mm = 96 / 25.4;
  return { width: (210 - 2 * 17) * mm - 8, em: (10.5 * 96) / 72 }; // of print.css, A4
};
let putBack = [];

// Every fold is opened, except the code behind a figure: a reader who wants it has opened it.
const openFolds = () => {
  for (const fold of document.querySelectorAll(".bd-article details:not([open]):not(.hide)")) {
    fold.open = true;
    putBack.push(() => { fold.open = false; });
  }
};

const inLight = () => {
  const { theme } = document.documentElement.dataset;
  document.documentElement.dataset.theme = "light";
  putBack.push(() => { document.documentElement.dataset.theme = theme; });
};

// The width of a formula is known in letters of the text around it, and so is what it needs on paper.
const fitFormulas = () => {
  const { width, em } = paper();
  for (const formula of document.querySelectorAll(".bd-article mjx-container")) {
    const text = formula.closest(".math") ?? formula.parentElement;
    const size = parseFloat(getComputedStyle(formula).fontSize);
    const around = parseFloat(getComputedStyle(formula.parentElement).fontSize);
    let content = 0;
    for (const part of formula.querySelectorAll("mjx-math, mjx-mtable, mjx-assistive-mml ~ *")) {
      content = Math.max(content, part.scrollWidth);
    }
    const number = text.querySelector(".eqno")?.offsetWidth ?? 0;
    const indent = text.closest("details, .admonition, li, dd") ? 4 * em : 0;
    const room = width - indent - (number ? 5 * em : 0);
    const printed = (content / around) * em;
    if (printed > room) {
      const before = formula.style.fontSize;
      formula.style.fontSize = `${(Math.max(0.45, room / printed) * size) / around}em`;
      putBack.push(() => { formula.style.fontSize = before; });
    }
  }
};

window.addEventListener("beforeprint", () => {
  openFolds();
  inLight();
  fitFormulas();
});
window.addEventListener("afterprint", () => {
  for (const undo of putBack.reverse()) undo();
  putBack = [];
});
