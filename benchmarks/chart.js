'use strict';
// Draws the ratios that have a target as bars: to the left of 1 latchkey is faster than the peer.

const { outcome, verdict } = require('./report');

const WIDTH = 860;
const LEFT = 300;
const RIGHT = 96;
const TOP = 84;
const BAR = 11;
const GAP = 3;
const ROW_PADDING = 16;

const STYLE = `
    text { font: 13px system-ui, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif; fill: #1f2328; }
    .title { font-size: 17px; font-weight: 600; }
    .soft { font-size: 11px; fill: #59636e; }
    .value { font-size: 11px; }
    .line { stroke: #d1d9e0; }
    .one { stroke: #59636e; }
    .target { stroke: #1f2328; stroke-width: 2; }
    .reached { fill: #2f9e6e; }
    .missed { fill: #d9822b; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; }
      .soft { fill: #9198a1; }
      .line { stroke: #3d444d; }
      .one { stroke: #9198a1; }
      .target { stroke: #e6edf3; }
      .reached { fill: #46b98a; }
      .missed { fill: #e89a4c; }
    }`;

/** @typedef {import('./report').Line} Line */
/** @typedef {{ node: string, line: Line, ratio: number | null }} Bar */
/** @typedef {{ name: string, peer: string, target: number, bars: Bar[] }} Row */
/** @typedef {(ratio: number) => number} Scale where a ratio stands */

/** @param {import('./record').Run[]} runs @returns {string} an SVG */
function chart(runs) {
  const rows = toRows(runs);
  const [least, most] = decades(rows);
  const x = (ratio) => LEFT + ((Math.log10(ratio) - least) / (most - least)) * (WIDTH - LEFT - RIGHT);
  const parts = [];
  let y = TOP;
  for (const row of rows) {
    parts.push(drawRow(row, x, y));
    y += heightOf(row);
  }
  const height = y + 34;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">
  <title>latchkey's time divided by each peer's</title>
  <style>${STYLE}
  </style>
  <text class="title" x="16" y="28">latchkey’s time ÷ the peer’s</text>
  <text class="soft" x="16" y="48">Each step is ten times. Left of 1 latchkey is faster. The mark across the bars is the target.</text>
${drawAxis(least, most, x, y)}
${parts.join('\n')}
${drawLegend(height - 10)}
</svg>
`;
}

/** @param {import('./record').Run[]} runs @returns {Row[]} */
function toRows(runs) {
  /** @type {Map<string, Row>} */
  const rows = new Map();
  for (const { node, lines } of runs) {
    for (const line of lines) {
      const { name, peer, kind, target } = line;
      // Others are no race: the target of a growth is above 1.
      if (kind !== 'ratio' || target === null || target >= 1 || peer.missing !== null) continue;
      const id = `${name} ${peer.label}`;
      if (!rows.has(id)) rows.set(id, { name, peer: peer.label, target, bars: [] });
      rows.get(id)?.bars.push({ node, line, ratio: outcome(line) });
    }
  }
  return [...rows.values()];
}

/** The powers of ten between which all is drawn. @param {Row[]} rows */
function decades(rows) {
  const all = rows.flatMap(({ target, bars }) => [target, ...bars.map(({ ratio }) => ratio ?? 1)]);
  return [Math.floor(Math.log10(Math.min(0.1, ...all))), Math.ceil(Math.log10(Math.max(2, ...all)))];
}

/** @param {Row} row */
function heightOf({ bars }) {
  return Math.max(30, bars.length * (BAR + GAP)) + ROW_PADDING;
}

/** @param {Row} row @param {Scale} x @param {number} y */
function drawRow(row, x, y) {
  const used = row.bars.length * (BAR + GAP) - GAP;
  const middle = y + (heightOf(row) - ROW_PADDING) / 2;
  const top = middle - used / 2;
  const parts = row.bars.map((bar, i) => drawBar(bar, x, top + i * (BAR + GAP)));
  const at = round(x(row.target));
  return `  <text x="16" y="${round(middle - 2)}">${escape(row.name)}</text>
  <text class="soft" x="16" y="${round(middle + 13)}">beside ${escape(row.peer)}</text>
${parts.join('\n')}
  <line class="target" x1="${at}" x2="${at}" y1="${round(top - 4)}" y2="${round(top + used + 4)}"/>`;
}

/** @param {Bar} bar @param {Scale} x @param {number} y */
function drawBar({ node, line, ratio }, x, y) {
  const major = Number.parseInt(node, 10);
  const baseline = round(y + BAR - 2);
  if (ratio === null) {
    const reason = line.ours.failure === null ? line.peer.failure : `latchkey: ${line.ours.failure}`;
    const text = `Node ${major}: ${reason}`;
    return `  <text class="value" x="${round(x(1) - 6)}" y="${baseline}" text-anchor="end">${escape(text)}</text>`;
  }
  const [from, to] = ratio < 1 ? [x(ratio), x(1)] : [x(1), x(ratio)];
  const shape = `x="${round(from)}" y="${round(y)}" width="${round(to - from)}" height="${BAR}" rx="2"`;
  const text = `${ratio < 0.095 ? ratio.toPrecision(2) : ratio.toFixed(2)} · Node ${major}`;
  return `  <rect class="${verdict(line)}" ${shape}/>
  <text class="value" x="${round(to + 6)}" y="${baseline}">${text}</text>`;
}

/** @param {number} least @param {number} most @param {Scale} x @param {number} bottom */
function drawAxis(least, most, x, bottom) {
  const lines = [];
  for (let power = least; power <= most; power++) {
    const at = round(x(10 ** power));
    const kind = power === 0 ? 'one' : 'line';
    lines.push(`  <line class="${kind}" x1="${at}" x2="${at}" y1="${TOP - 12}" y2="${bottom}"/>`);
    lines.push(`  <text class="soft" x="${at}" y="${TOP - 18}" text-anchor="middle">${10 ** power}</text>`);
  }
  return lines.join('\n');
}

/** @param {number} y */
function drawLegend(y) {
  return `  <rect class="reached" x="${LEFT}" y="${y - 9}" width="${BAR}" height="${BAR}" rx="2"/>
  <text class="soft" x="${LEFT + 17}" y="${y}">target reached</text>
  <rect class="missed" x="${LEFT + 120}" y="${y - 9}" width="${BAR}" height="${BAR}" rx="2"/>
  <text class="soft" x="${LEFT + 137}" y="${y}">missed</text>`;
}

/** @param {string} text */
function escape(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

/** @param {number} number */
function round(number) {
  return Math.round(number * 10) / 10;
}

module.exports = { chart };
