// Draws what recorder.js wrote down: one block per key, one row per request, who held and who waited, 80 columns
// wide. Each key's clock starts at its own first request; all keys share one scale.

const { paint } = require('./paint');

const INDENT = '  ';
const NAME = 9;
const BAR = 52;
const NUMBER = 8;
const TICK = 10; // columns from one number on the axis to the next

const LOOKS = {
  write: { glyph: '█', style: 'magenta' },
  read: { glyph: '▄', style: 'green' },
  wait: { glyph: '░', style: 'dim' },
  expired: { glyph: '✗', style: 'red' },
};

const look = (name, length = 1) => paint(LOOKS[name].style, LOOKS[name].glyph.repeat(length));

/** The drawing of a recorder's `keys`, as lines of text. */
function drawTimeline(keys) {
  const msPerColumn = chooseScale(Math.max(0, ...keys.map(duration)));
  const blocks = keys.flatMap((entry) => drawKey(entry, msPerColumn));
  return [...drawAxis(msPerColumn), ...blocks, drawLegend()];
}

/** From a key's first request to the last thing known of it, in ms. */
function duration({ requests }) {
  const last = Math.max(...requests.map(({ asked, granted, ended }) => ended ?? granted ?? asked));
  return last - requests[0].asked;
}

/** The finest round number of ms per column with which `longest` fits, a last column to spare. */
function chooseScale(longest) {
  for (let ten = 1; ; ten *= 10) {
    const msPerColumn = [1, 2, 2.5, 4, 5].find((n) => longest / (n * ten) <= BAR - 1);
    if (msPerColumn) return msPerColumn * ten;
  }
}

function drawAxis(msPerColumn) {
  const ticks = Array.from({ length: Math.floor(BAR / TICK) }, (_, i) => i * TICK);
  const numbers = ticks.map((column) => String(column * msPerColumn).padEnd(TICK)).join('');
  const ruler = ticks.map(() => '┬'.padEnd(TICK, '─')).join('');
  const heads = 'waited'.padStart(NUMBER) + 'held'.padStart(NUMBER);
  return [
    INDENT + 'ms '.padStart(NAME) + numbers.padEnd(BAR) + heads,
    INDENT + ' '.repeat(NAME) + ruler.padEnd(BAR, '─'),
  ].map((line) => paint('dim', line));
}

function drawKey({ key, requests }, msPerColumn) {
  const column = (moment) => Math.round((moment - requests[0].asked) / msPerColumn);
  const rows = requests.map((request, i) => {
    const name = `${request.kind} ${i + 1} `.padStart(NAME);
    return (INDENT + name + drawBar(request, column) + times(request)).trimEnd();
  });
  return [INDENT + paint('bold', key), ...rows, ''];
}

/** Blank until it asked, then waiting, then holding. A hold has at least one column, however short. */
function drawBar({ mode, asked, granted, ended, expired }, column) {
  const from = column(asked);
  const held = granted === undefined ? BAR : column(granted);
  const end = ended === undefined ? BAR : Math.max(held + 1, column(ended));
  const mark = expired ? 1 : 0;
  return (
    ' '.repeat(from) +
    look('wait', held - from) +
    look(mode, end - held - mark) +
    look('expired', mark) +
    ' '.repeat(BAR - end)
  );
}

/** How long it waited and held, in ms; in words what had not come to an end. */
function times({ asked, granted, ended }) {
  const waited = granted === undefined ? 'still' : Math.round(granted - asked);
  const held = granted === undefined ? '' : ended === undefined ? 'still' : Math.round(ended - granted);
  return String(waited).padStart(NUMBER) + String(held).padStart(NUMBER);
}

function drawLegend() {
  const meanings = {
    write: 'held alone',
    read: 'held with other readers',
    wait: 'waited',
    expired: 'expired',
  };
  return (
    INDENT +
    Object.keys(meanings)
      .map((name) => `${look(name)} ${meanings[name]}`)
      .join('    ')
  );
}

module.exports = { drawTimeline };
