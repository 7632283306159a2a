// Lines between the columns, from the old to the new rank of each of the best passages.
const SVG = "http://www.w3.org/2000/svg";
const MOST = 8;

function line(svg, from, to, kind) {
  const top = svg.getBoundingClientRect().top;
  const [a, b] = [from, to].map((card) => card.getBoundingClientRect().top - top + 22);
  const width = svg.clientWidth;
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", `M0 ${a} C${width / 2} ${a} ${width / 2} ${b} ${width} ${b}`);
  path.setAttribute("class", kind);
  svg.append(path);
}

export function drawLinks(svg, before, after, active) {
  svg.replaceChildren();
  if (!svg.clientWidth) return;
  const shown = [...after.children].filter((card) => !card.hidden);
  const drawn = shown.slice(0, MOST);
  const chosen = shown.find((card) => card.dataset.id === active);
  if (chosen && !drawn.includes(chosen)) drawn.push(chosen);
  const origins = new Map([...before.children].map((card) => [card.dataset.id, card]));
  for (const card of drawn) {
    const kind = card === chosen ? "chosen" : "";
    line(svg, origins.get(card.dataset.id), card, kind);
  }
}
