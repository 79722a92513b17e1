/* Figures that can be moved: a slider that runs the figure's own code in the page, after a prediction.

   docs/_ext/movable.py writes a div.movable below the figure: the data as JSON, the question, the
   choices and a folded answer. Where Python runs in the page (window.lecturecode.live) the choices
   become buttons and the slider opens once one was chosen. The newest value wins: while a frame is
   drawn, further moves of the slider are only noted. The div carries data-movable = closed, starting,
   open, drawing or failed. */
"use strict";
(() => {
  const live = window.lecturecode?.live;
  if (!live) return;

  // The frame's names stay in Python under the figure's key, in the module lecturecode_movable.
  // To lay out a figure takes as long as to draw it, so what was found is kept for figures that measure the same.
  // print_svg draws once, where savefig would draw a figure with a layout twice, the first time in vain.
  const FRAME = `
def measures(figure):
    def of(ax):
        legend = ax.get_legend()
        outside = legend and legend.get_bbox_to_anchor() is not ax.bbox
        entries = [text.get_text() for text in legend.get_texts()] if outside else []
        return (*ax.get_xlim(), *ax.get_ylim(), ax.get_xscale(), ax.get_yscale(), ax.get_xlabel(), ax.get_ylabel(),
                ax.get_title().count("\\n"), len(ax.texts), *entries)
    return (figure.get_suptitle(), *map(of, figure.axes))

def svg(figure, layouts):
    import io
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    drawn, key = io.BytesIO(), measures(figure)
    if key in layouts:
        figure.set_layout_engine("none")
        for ax, place in zip(figure.axes, layouts[key], strict=True):
            ax.set_position(place)
    FigureCanvasSVG(figure).print_svg(drawn)
    layouts[key] = [ax.get_position(original=True) for ax in figure.axes]
    return drawn.getvalue()

def movable_frame(key, once, built, code, expressions):
    import base64, sys, types
    import matplotlib.pyplot as plt
    kept = vars(sys.modules.setdefault("lecturecode_movable", types.ModuleType("lecturecode_movable")))
    show, plt.show = plt.show, lambda *args, **kwargs: None
    with plt.rc_context():
        try:
            plt.rcdefaults()
            if key not in kept:
                start = {"__name__": "__main__"}
                exec(compile(once, "<cells above>", "exec"), start)
                settings = dict(plt.rcParams)
                names = dict(start)
                exec(compile(built, "<figure>", "exec"), names)
                plt.close("all")
                built = types.SimpleNamespace(**names)
                kept[key] = types.SimpleNamespace(start=start, settings=settings, built=built, layouts={})
            figure = kept[key]
            plt.rcParams.update(figure.settings)
            figure.names = names = figure.start | {"built": figure.built}
            exec(compile(code, "<figure>", "exec"), names)
            drawn = svg(plt.gcf(), figure.layouts)
            told = [eval(expression, names) for expression in expressions]
        finally:
            plt.show = show
            plt.close("all")
    return [base64.b64encode(drawn).decode(), *told]
`;
  const element = (name, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };
  let last = 0;

  const begin = (box) => {
    const data = JSON.parse(box.querySelector("script").textContent);
    const { values, code } = data;
    const id = `movable-${++last}`;
    const question = box.querySelector(".movable-question");
    const choices = box.querySelector("ul");
    const answer = box.querySelector("details");
    const title = box.querySelector(".movable-title");
    const asked = values[data.at];
    let wanted = null, drawing = false, predicted = null, limit = null;
    const setState = (state) => { box.dataset.movable = state; };

    // -- the prediction --

    question.id = `${id}-question`;
    const group = element("div", { className: "movable-choices" });
    group.setAttribute("role", "radiogroup");
    group.setAttribute("aria-labelledby", question.id);
    const radios = [...choices.children].map((choice, number) => {
      const radio = element("input", { type: "radio", name: id, value: String(number) });
      const words = element("span", {}, ...(choice.querySelector(":scope > p") ?? choice).childNodes);
      group.append(element("label", {}, radio, words));
      return radio;
    });
    choices.replaceWith(group);
    const predict = element("button", { type: "button", className: "live-button", textContent: "See whether it holds" });
    const status = element("p", { className: "movable-status" });
    status.setAttribute("role", "status");
    const hint = element("p", { className: "movable-hint", textContent: "Predict first; then the slider opens." });

    // -- the slider --

    const slider = element("input", { type: "range", id: `${id}-slider`, min: 0, max: values.length - 1, step: 1 });
    slider.value = data.at;
    const label = element("label", { htmlFor: slider.id, textContent: data.label });
    const shown = element("span", { className: "movable-value" });
    const track = element("div", { className: "movable-track" }, slider);
    const says = element("p", { className: "movable-says", id: `${id}-says` });
    says.setAttribute("aria-live", "polite");
    slider.setAttribute("aria-describedby", says.id);
    const back = element("button", { type: "button", className: "live-button", textContent: `Back to ${code.number}` });
    const stop = element("button", { type: "button", className: "live-button", textContent: "Stop", hidden: true });
    const row = element("div", { className: "movable-row" }, label, track, shown, back, stop);
    const panel = element("div", { className: "movable-panel", hidden: true }, row, says);
    const own = element("img", { className: "movable-figure" });
    answer.before(predict, hint, status, panel);

    const place = () => {
      const at = values.findIndex((value) => Number(value) >= limit - 1e-12);
      if (limit === null || at < 0 || Number(values[0]) > limit) return null;
      const low = Number(values[Math.max(at - 1, 0)]), high = Number(values[at]);
      return (at - (high > low ? (high - limit) / (high - low) : 0)) / (values.length - 1);
    };
    const markLimit = () => {
      const at = place();
      if (at === null || track.querySelector(".movable-limit")) return;
      const name = data.limitLabel ? `${data.limitLabel} = ${Number(limit.toPrecision(4))}` : `limit ${Number(limit.toPrecision(4))}`;
      const mark = element("span", { className: "movable-limit", textContent: name });
      mark.style.setProperty("--at", at);
      mark.classList.toggle("movable-limit-left", at > 0.5);
      track.append(mark);
      track.classList.add("movable-with-limit");
    };
    const tell = () => {
      const value = values[slider.value];
      shown.textContent = value;
      const name = data.limitLabel || "the limit";
      const from = limit === null ? 0 : Number(value) - limit;
      const side = limit === null ? "" : Math.abs(from) < 1e-12 ? `, at ${name}` : from > 0 ? `, above ${name}` : `, below ${name}`;
      slider.setAttribute("aria-valuetext", value + side);
      shown.classList.toggle("movable-beyond", limit !== null && from > 1e-12);
    };

    // -- the picture: it takes the place of the built one, where that is to be seen --

    const builtImage = () => {
      let above = box.previousElementSibling;
      while (above && !above.querySelector("img")) above = above.previousElementSibling;
      return above && [...above.querySelectorAll(".cell_output img")].at(-1);
    };
    const image = builtImage();
    const builtLook = image && { src: image.src, srcset: image.srcset, alt: image.alt };
    const draw = (source, value) => {
      const inPlace = image && image.offsetParent !== null;
      const target = inPlace ? image : own;
      if (inPlace && !image.style.width) {
        const share = image.getBoundingClientRect().width / image.parentElement.clientWidth;
        image.style.width = `${Math.min(100, 100 * share)}%`; // the new picture may have another size of its own
      }
      if (inPlace) own.remove();
      else if (!own.isConnected) title.before(own);
      target.removeAttribute("srcset");
      target.src = source;
      target.alt = `${builtLook?.alt ?? "The figure"} (drawn again with ${data.label} = ${value})`;
    };

    // -- frames, one at a time --

    const run = async (value) => {
      const built = code.before + code.number + code.after;
      const moved = code.before + value + code.after;
      const expressions = [data.says, data.limit, ...data.tests.map((test) => `bool(${test})`)];
      const written = [data.key, code.once, built, moved].map((text) => JSON.stringify(text)).join(", ");
      const call = `${FRAME}\nmovable_frame(${written}, ${JSON.stringify(expressions)})`;
      const result = await live.python(call, { status: (text) => { if (!drawing) status.textContent = text; } });
      if (result.error) throw result.error;
      const [drawn, said, bound, ...held] = result.value;
      return { source: `data:image/svg+xml;base64,${drawn}`, said, bound, held, value };
    };
    const show = ({ source, said, bound, value }) => {
      draw(source, value);
      says.textContent = `At ${value}: ${said}`;
      limit = bound;
      markLimit();
      tell();
    };
    const frames = async () => {
      drawing = true;
      const slow = setTimeout(() => { stop.hidden = false; }, 1500);
      try {
        while (wanted !== null) {
          const value = wanted;
          wanted = null;
          setState("drawing");
          show(await run(value));
        }
        status.textContent = "";
        setState("open");
      } catch (error) {
        wanted = null;
        status.textContent = error.type === "Stopped" ? "Stopped; move the slider to go on." : `It failed: ${error.text}`;
        setState("failed");
      } finally {
        clearTimeout(slow);
        stop.hidden = true;
        drawing = false;
      }
    };
    slider.oninput = () => {
      tell();
      wanted = values[slider.value];
      if (!drawing) frames();
    };
    stop.onclick = () => { live.stop(); slider.focus(); };
    back.onclick = () => {
      slider.value = data.built;
      slider.oninput();
      slider.focus();
    };

    predict.onclick = async () => {
      const chosen = radios.findIndex((radio) => radio.checked);
      if (chosen < 0) {
        status.textContent = "Choose one first.";
        radios[0].focus();
        return;
      }
      if (predict.getAttribute("aria-disabled") === "true") return;
      predict.setAttribute("aria-disabled", "true");
      setState("starting");
      status.textContent = "Starting …";
      try {
        const first = await run(asked);
        for (const radio of radios) radio.disabled = true;
        show(first);
        predicted = chosen;
        judge(first);
        hint.hidden = predict.hidden = true;
        panel.hidden = false;
        box.prepend(panel); // next to the picture that it moves
        answer.open = true;
        setState("open");
        slider.focus({ preventScroll: true });
      } catch (error) {
        status.textContent = error.type === "Stopped" ? "Stopped." : `It failed: ${error.text}`;
        predict.setAttribute("aria-disabled", "false");
        setState("failed");
      }
    };
    const verdict = element("p", { className: "movable-verdict" });
    verdict.setAttribute("role", "status");
    status.before(verdict);
    const judge = ({ held, said, value }) => {
      const right = held[predicted];
      box.dataset.prediction = right ? "held" : "failed";
      const words = group.children[held.indexOf(true)]?.textContent.trim();
      verdict.textContent = right
        ? `Your prediction held. At ${value}: ${said}.`
        : `Your prediction did not hold. At ${value}: ${said}. What holds: ${words ?? "none of these"}`;
      status.textContent = "";
    };
    tell();
    setState("closed");
  };

  for (const box of document.querySelectorAll("div.movable")) begin(box);
})();
