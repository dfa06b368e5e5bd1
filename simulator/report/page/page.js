"use strict";
(() => {
  const tip = document.getElementById("tip");
  const root = document.documentElement;
  let at = null;

  // What is said of a mark lies in its <title>; here it is shown by the page instead of the browser.
  for (const mark of document.querySelectorAll(".mark")) {
    const title = mark.querySelector("title");
    if (title) {
      mark.dataset.tip = title.textContent;
      title.remove();
    }
  }

  function show(mark, x, y) {
    if (at) at.classList.remove("at");
    at = mark;
    if (!mark) {
      tip.textContent = "";
      return;
    }
    mark.classList.add("at");
    tip.textContent = mark.dataset.tip;
    const box = tip.getBoundingClientRect();
    const left = Math.min(Math.max(x + 14, 8), Math.max(innerWidth - box.width - 8, 8));
    const above = y - box.height - 12;
    tip.style.left = `${left}px`;
    tip.style.top = `${above > 8 ? above : y + 16}px`;
  }

  document.addEventListener("pointermove", (event) => {
    const mark = event.target.closest && event.target.closest(".mark");
    if (mark) show(mark, event.clientX, event.clientY);
    else if (at && !(document.activeElement && document.activeElement.contains(at))) show(null);
  });
  document.addEventListener("pointerdown", (event) => {
    const mark = event.target.closest && event.target.closest(".mark");
    show(mark || null, event.clientX, event.clientY);
  });

  function drawingOf(chart) {
    return [...chart.querySelectorAll(".view:not([hidden]) svg")].find((svg) => svg.getBoundingClientRect().width > 0);
  }

  for (const chart of document.querySelectorAll("figure.chart")) {
    const plot = chart.querySelector(".plot");
    plot.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (event.key === "Escape") show(null);
      if (!step && event.key !== "Home" && event.key !== "End") return;
      const drawing = drawingOf(chart);
      const marks = drawing ? [...drawing.querySelectorAll(".mark")] : [];
      if (!marks.length) return;
      event.preventDefault();
      const now = marks.indexOf(at);
      let next = now < 0 ? (step < 0 ? marks.length - 1 : 0) : (now + (step || 0) + marks.length) % marks.length;
      if (event.key === "Home") next = 0;
      if (event.key === "End") next = marks.length - 1;
      marks[next].scrollIntoView({ block: "nearest", inline: "nearest" });
      const box = marks[next].getBoundingClientRect();
      show(marks[next], box.left + box.width / 2, box.top);
    });
    plot.addEventListener("focus", () => {
      if (at && !chart.contains(at)) show(null);
    });
    plot.addEventListener("blur", () => show(null));
    chart.addEventListener("change", (event) => {
      if (event.target.type !== "radio") return;
      for (const view of chart.querySelectorAll(".view")) view.hidden = view.dataset.view !== event.target.value;
      show(null);
    });
    chart.addEventListener("click", (event) => {
      const wanted = event.target.dataset && event.target.dataset.save;
      if (wanted) save(chart, wanted);
    });
  }

  // The drawing that is seen, in the colours that are seen, as a file of its own.
  function asFile(chart) {
    const drawing = drawingOf(chart);
    const copy = drawing.cloneNode(true);
    const box = drawing.viewBox.baseVal;
    copy.querySelectorAll(".mark").forEach((mark) => {
      const title = document.createElementNS("http://www.w3.org/2000/svg", "title");
      title.textContent = mark.dataset.tip || "";
      mark.removeAttribute("data-tip");
      mark.append(title);
    });
    const ground = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    ground.setAttribute("width", "100%");
    ground.setAttribute("height", "100%");
    ground.setAttribute("fill", "var(--surface)");
    copy.prepend(ground);
    const colours = getComputedStyle(root);
    const text = new XMLSerializer().serializeToString(copy);
    const resolved = text.replace(/var\((--[a-z0-9-]+)\)/g, (_, name) => colours.getPropertyValue(name).trim());
    return { text: resolved, width: box.width, height: box.height };
  }

  function download(url, name) {
    const link = document.createElement("a");
    link.href = url;
    link.download = name;
    link.click();
  }

  function save(chart, kind) {
    const file = asFile(chart);
    const url = URL.createObjectURL(new Blob([file.text], { type: "image/svg+xml" }));
    if (kind === "svg") {
      download(url, `${chart.id}.svg`);
      setTimeout(() => URL.revokeObjectURL(url), 1000);
      return;
    }
    const picture = new Image();
    picture.onload = () => {
      const canvas = document.createElement("canvas");
      canvas.width = 2 * file.width;
      canvas.height = 2 * file.height;
      canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
      URL.revokeObjectURL(url);
      download(canvas.toDataURL("image/png"), `${chart.id}.png`);
    };
    picture.src = url;
  }

  const theme = document.getElementById("theme");
  theme.hidden = false;
  theme.addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });
})();
