'use strict';
// The lines of the table: what they say, whether their target is reached, and how they look in a terminal.

/**
 * What one side of a line came to.
 *
 * @typedef {object} Result
 * @property {string} label
 * @property {number | null} value in the line's unit
 * @property {string | null} missing why it was not tried
 * @property {string | null} failure why it cannot do it
 */

/**
 * @typedef {object} Line
 * @property {string} name
 * @property {string} unit ns (for each request), B or nothing
 * @property {string} kind ratio: ours ÷ peer; difference: ours − peer; value: ours alone
 * @property {Result} ours
 * @property {Result} peer
 * @property {number | null} target what the ratio, the difference or the value may be
 * @property {{ label: string, value: number, beside: number | null } | null} floor `beside` is its value on the
 *   peer's scale: then the ratio of the two counts
 */

/** How far above its target a line may be before `--check` objects. */
const TOLERANCE = 0.15;

const UNITS = {
  ns: [
    ['ns', 1],
    ['µs', 1e3],
    ['ms', 1e6],
    ['s', 1e9],
  ],
  B: [
    ['B', 1],
    ['KB', 1024],
  ],
  '': [['', 1]],
};

/** @param {Line} line @returns {number | null} */
function outcome({ kind, ours, peer }) {
  if (ours.value === null) return null;
  if (kind === 'value') return ours.value;
  if (peer.value === null) return null;
  return kind === 'ratio' ? ours.value / peer.value : ours.value - peer.value;
}

/** @param {Line} line @returns {'reached' | 'missed' | 'not run' | ''} */
function verdict(line) {
  if (line.target === null) return '';
  if (line.ours.failure !== null) return 'missed';
  if (line.kind !== 'value') {
    if (line.peer.missing !== null) return 'not run';
    // Who comes to the end is ahead of whoever does not.
    if (line.peer.failure !== null) return 'reached';
  }
  return isAtMost(line, line.target) ? 'reached' : 'missed';
}

/** Whether `--check` objects. @param {Line} line */
function isFarOff(line) {
  if (verdict(line) !== 'missed') return false;
  return !isAtMost(line, /** @type {number} */ (line.target) * (1 + TOLERANCE));
}

/** @param {Line} line @param {number} limit */
function isAtMost(line, limit) {
  const reached = outcome(line);
  return reached !== null && reached <= limit;
}

/** @param {number} value @param {string} unit */
function quantity(value, unit) {
  const steps = UNITS[unit];
  const [name, size] = steps.findLast(([, least]) => Math.abs(value) >= least) ?? steps[0];
  return `${figures(value / size)} ${name}`.trim();
}

/** Three figures, but two decimals at most. @param {number} value */
function figures(value) {
  const size = Math.abs(value);
  if (size >= 100 || Number.isInteger(value)) return value.toFixed(0);
  return size >= 1 ? value.toPrecision(3) : value.toFixed(2);
}

/** @param {Result} result @param {string} unit */
function resultText({ value, missing, failure }, unit) {
  if (failure !== null) return failure;
  return value === null || missing !== null ? '–' : quantity(value, unit);
}

/** @param {Line} line */
function outcomeText(line) {
  const value = outcome(line);
  if (value === null) return '–';
  if (line.kind === 'ratio') return ratioText(value);
  const sign = line.kind === 'difference' && value > 0 ? '+' : '';
  return sign + quantity(value, line.unit);
}

/** @param {number} ratio */
function ratioText(ratio) {
  return ratio < 0.095 ? ratio.toPrecision(2) : ratio.toFixed(2);
}

/** @param {Line} line */
function targetText({ target, kind, unit }) {
  if (target === null) return '';
  if (kind === 'ratio') return `≤ ${target}`;
  return kind === 'difference' ? `≤ +${quantity(target, unit)}` : `≤ ${quantity(target, unit)}`;
}

/** @param {Line} line */
function floorText({ floor, unit }) {
  if (floor === null) return '';
  if (floor.beside === null) return `${quantity(floor.value, unit)}, ${floor.label}`;
  return `${ratioText(floor.value / floor.beside)} as ratio, ${floor.label}`;
}

const MARKS = { reached: '✓ reached', missed: '✗ missed', 'not run': '– not run', '': '' };

const HEAD = ['scenario', 'latchkey', 'beside', 'its cost', 'result', 'target', '', 'floor'];
const RIGHT = [false, true, false, true, true, true, false, false];

/** @param {Line} line @returns {string[]} */
function cells(line) {
  return [
    line.name,
    `${resultText(line.ours, line.unit)}`,
    line.peer.label,
    resultText(line.peer, line.unit),
    outcomeText(line),
    targetText(line),
    MARKS[verdict(line)],
    floorText(line),
  ];
}

/** @param {Line[]} lines @returns {string} for a terminal */
function table(lines) {
  const rows = [HEAD, ...lines.map(cells)];
  const widths = HEAD.map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  const pad = (text, i) => (RIGHT[i] ? text.padStart(widths[i]) : text.padEnd(widths[i]));
  const text = rows.map((row) => row.map(pad).join('  ').trimEnd());
  text.splice(1, 0, widths.map((width) => '─'.repeat(width)).join('  '));
  return text.join('\n');
}

/** How many targets were reached, in words. @param {Line[]} lines */
function summary(lines) {
  const count = (what) => lines.filter((line) => verdict(line) === what).length;
  const targets = lines.filter(({ target }) => target !== null).length;
  const text = [`${targets} targets: ${count('reached')} reached, ${count('missed')} missed`];
  if (count('not run') > 0) text.push(`${count('not run')} not run`);
  const reasons = new Set(lines.map(({ peer }) => peer.missing && `${peer.label}: ${peer.missing}`));
  return [text.join(', '), ...[...reasons].filter(Boolean).map((reason) => `  not run: ${reason}`)].join(
    '\n',
  );
}

module.exports = { summary, HEAD, RIGHT, cells, table, outcome, outcomeText, targetText, verdict, isFarOff };
