// Draws who held and who waited, 80 columns wide: what recorder.js wrote down, a block per key and a row per request,
// where each key's clock starts at its own first request and all share one scale; and what record-threads.js and
// record-process.js wrote down, a row per thread or process.

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
  lease: { glyph: '╌', style: 'red' },
};

const MEANINGS = {
  write: 'held alone',
  read: 'held with other readers',
  wait: 'waited',
  expired: 'expired',
};

const look = (name) => paint(LOOKS[name].style, LOOKS[name].glyph);

/** The drawing of a recorder's `keys`, as lines of text. */
function drawTimeline(keys) {
  const msPerColumn = chooseScale(Math.max(0, ...keys.map(({ requests }) => duration(requests))));
  const heads = 'waited'.padStart(NUMBER) + 'held'.padStart(NUMBER);
  return [...drawAxis(msPerColumn, heads), ...keys.flatMap((entry) => drawKey(entry, msPerColumn))];
}

/**
 * The drawing of the first `turns` holds of one key: a row for each of `threads`, `{ threadId, requests }`, whose
 * requests follow each other.
 */
function drawThreads(key, threads, turns) {
  const toName = (threadId) => (threadId === 0 ? 'main' : `worker ${threadId}`);
  const rows = threads.map(({ threadId, requests }) => ({ name: toName(threadId), requests }));
  return drawRows(key, rows, turns);
}

/** The drawing of the first `turns` holds of one key: a row for each of `owners`, `{ name, requests }`. */
function drawRows(key, owners, turns) {
  const all = owners.flatMap(({ requests }) => requests).sort((a, b) => a.granted - b.granted);
  const start = Math.min(...all.map(({ asked }) => asked));
  const end = Math.max(...all.slice(0, turns).map(({ ended }) => ended));
  const msPerColumn = chooseScale(end - start);
  const column = (moment) => Math.round((moment - start) / msPerColumn);
  const rows = owners.map(
    ({ name, requests }) => INDENT + `${name} `.padStart(NAME) + drawBar(requests, column),
  );
  return [...drawAxis(msPerColumn, ''), INDENT + paint('bold', key), ...rows, ''];
}

/** From the first of some requests to the last thing known of them, in ms. */
function duration(requests) {
  const last = Math.max(...requests.map(({ asked, granted, ended }) => ended ?? granted ?? asked));
  return last - requests[0].asked;
}

/** The finest round number of ms per column with which `longest` fits, a last column to spare. */
function chooseScale(longest) {
  for (let ten = 0.1; ; ten *= 10) {
    const msPerColumn = [1, 2, 2.5, 4, 5].find((n) => longest / (n * ten) <= BAR - 1);
    if (msPerColumn) return msPerColumn * ten;
  }
}

function drawAxis(msPerColumn, heads) {
  const ticks = Array.from({ length: Math.floor(BAR / TICK) }, (_, i) => i * TICK);
  const numbers = ticks.map((column) => String(+(column * msPerColumn).toFixed(1)).padEnd(TICK)).join('');
  const ruler = ticks.map(() => '┬'.padEnd(TICK, '─')).join('');
  return [
    (INDENT + 'ms '.padStart(NAME) + numbers.padEnd(BAR) + heads).trimEnd(),
    INDENT + ' '.repeat(NAME) + ruler.padEnd(BAR, '─'),
  ].map((line) => paint('dim', line));
}

function drawKey({ key, requests }, msPerColumn) {
  const column = (moment) => Math.round((moment - requests[0].asked) / msPerColumn);
  const rows = requests.map((request, i) => {
    const name = `${request.kind} ${i + 1} `.padStart(NAME);
    return INDENT + name + drawBar([request], column) + times(request);
  });
  return [INDENT + paint('bold', key), ...rows, ''];
}

/**
 * Blank until a request asked, then waiting, then holding. A hold has at least one column, however short; what is
 * still to come to an end goes on to the border. Who was killed goes on as a lease.
 */
function drawBar(requests, column) {
  const cells = Array(BAR).fill('');
  for (const { mode, asked, granted, ended, expired, killed, leaseEnd } of requests) {
    const held = granted === undefined ? BAR : column(granted);
    const end = ended === undefined ? BAR : Math.max(held + 1, column(ended));
    cells.fill('wait', column(asked), held);
    cells.fill(mode, held, end);
    if (expired || killed) cells.fill('expired', end - 1, end);
    if (killed) cells.fill('lease', end, column(leaseEnd));
  }
  return cells.map((name) => (name === '' ? ' ' : look(name))).join('');
}

/** How long it waited and held, in ms; in words what had not come to an end. */
function times({ asked, granted, ended }) {
  const waited = granted === undefined ? 'still' : Math.round(granted - asked);
  const held = granted === undefined ? '' : ended === undefined ? 'still' : Math.round(ended - granted);
  return String(waited).padStart(NUMBER) + String(held).padStart(NUMBER);
}

/** What the signs mean, each in a few words. */
function drawLegend(meanings = MEANINGS) {
  const signs = Object.entries(meanings).map(([name, meaning]) => `${look(name)} ${meaning}`);
  return INDENT + signs.join('    ');
}

module.exports = { drawTimeline, drawThreads, drawRows, drawLegend };
