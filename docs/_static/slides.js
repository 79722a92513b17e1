// Lay out the slides of a chapter, then hand them to reveal.js.
const LARGEST = 28, SMALLEST = 20, SMALLEST_BESIDE = 23; // px, on a slide of 1280 x 720
const LEAST_PICTURE = 210;

// A formula may be shrunk by itself, but not until nobody can read it.
const fitFormula = (formula, least) => {
  formula.style.fontSize = "";
  const scale = (0.99 * formula.clientWidth) / formula.scrollWidth;
  if (scale < 0.98) formula.style.fontSize = `${Math.max(scale, least)}em`;
};

const fits = (slide) => {
  const body = slide.querySelector(".body");
  if (!body) return slide.scrollHeight <= slide.clientHeight;
  const least = slide.classList.contains("beside") ? 0.88 : 0.72;
  body.querySelectorAll(".formula").forEach((formula) => fitFormula(formula, least));
  const boxes = [body, ...body.querySelectorAll(".words, .formula, .claim, figure, pre")];
  const roomy = boxes.every((box) => box.scrollWidth <= box.clientWidth + 1 && box.scrollHeight <= box.clientHeight + 2);
  return roomy && [...body.querySelectorAll(".picture")].every((picture) => picture.clientHeight >= LEAST_PICTURE);
};

// Text stands beside its picture, or above it where a formula or a picture is wide.
const fit = (slide) => {
  const beside = slide.classList.contains("beside");
  const wide = beside && slide.querySelector("img").style.getPropertyValue("--ratio") > 1.9;
  const layouts = beside ? (wide ? ["stacked", "beside"] : ["beside", "stacked"]) : [""];
  for (const layout of layouts) {
    if (beside) {
      slide.classList.toggle("beside", layout === "beside");
      slide.classList.toggle("stacked", layout === "stacked");
    }
    const smallest = layout === layouts.at(-1) ? SMALLEST : SMALLEST_BESIDE;
    for (let size = LARGEST; size >= smallest; size -= 1) {
      slide.style.fontSize = `${size}px`;
      if (fits(slide)) return;
    }
  }
  slide.dataset.overfull = "";
};

const shaped = async (image) => {
  await image.decode().catch(() => {});
  image.style.maxWidth = `${2 * image.naturalWidth}px`;
  image.style.setProperty("--ratio", image.naturalWidth / (image.naturalHeight || 1) || 1.5);
};

const changeTheme = () => {
  const { dataset } = document.documentElement;
  dataset.theme = dataset.theme === "dark" ? "light" : "dark";
};

const start = async () => {
  await window.MathJax?.startup?.promise;
  await document.fonts.ready;
  await Promise.all([...document.images].map(shaped));
  document.querySelectorAll(".slide").forEach(fit);
  document.documentElement.classList.remove("laying-out");
  await Reveal.initialize({
    width: 1280,
    height: 720,
    margin: 0,
    center: false,
    hash: true,
    transition: "none",
    backgroundTransition: "none",
    pdfMaxPagesPerSlide: 1,
    pdfPageHeightOffset: 0,
    scrollActivationWidth: null,
    keyboard: { 68: changeTheme },
  });
  document.documentElement.dataset.slides = "ready";
};
start();
