'use strict';
// Proves from a log that the locks kept their promises, or says which they broke and where.
//
// The log knows less than the engine. A holder writes `granted` some time after the engine granted it, and
// `releasing` some time before it lets go, so that it holds the key for certain from the one to the other.
// Only what is certain is held against anybody.

const { readHistory } = require('./history');
const { checkRecovered } = require('./recovered');

/**
 * @param {object[]} events see `log.js`
 * @param {boolean} [stored] whether a store kept the locks, for threads that are processes
 * @param {boolean} [breaks] whether their connections broke: then a grant may be lost on its way, expire before anybody
 *   knows of it, and be asked for anew
 * @returns {{ complaints: string[], proven: Record<string, number> }} what is wrong; and how many facts of
 *   each sort were proven, so that a checker that looked at nothing is noticed
 */
function check(events, stored = false, breaks = false) {
  const history = Object.assign(readHistory(events, stored), { breaks });
  const proven = { grants: 0, exclusion: 0, order: 0, notified: 0, recovered: 0 };
  const complaints = [...history.complaints];
  const complain = (text, ...parts) => complaints.push([text, ...parts.map(describe)].join('\n    '));
  checkEnds(history, complain);
  checkFences(history, complain);
  for (const parts of history.byKey.values()) {
    const granted = parts.filter((part) => part.granted);
    proven.grants += granted.length;
    checkPairs(history, parts, granted, complain, proven);
    checkRecovered(history, parts, granted, complain, proven);
  }
  return { complaints, proven };
}

/** Each request is granted or fails, and each hold ends, once; only those of a dead thread need not. */
function checkEnds({ parts, isDead }, complain) {
  for (const part of parts) {
    const ends = ['released', 'expired', 'ended'].filter((end) => part[end]);
    if (part.granted && part.failed) complain('granted and failed too:', part);
    if (ends.length > 1) complain('ended more than once:', part);
    if (ends.length > 0 && !part.granted) complain('ended, and was never granted:', part);
    if (part.expired && part.expiry === 0) complain('expired, without an expiry:', part);
    if (isDead(part.thread)) continue;
    if (!part.granted && !part.failed) complain('lost: neither granted nor failed:', part);
    if (part.granted && ends.length === 0) complain('granted, and its hold never ended:', part);
  }
}

/** A fence is given once. */
function checkFences({ parts }, complain) {
  const seen = new Map();
  for (const part of parts) {
    if (!isKnown(part.fence)) continue;
    if (seen.has(part.fence)) complain('one fence, given twice:', seen.get(part.fence), part);
    seen.set(part.fence, part);
  }
}

function checkPairs(history, parts, granted, complain, proven) {
  for (const a of granted) {
    for (const b of granted) {
      if (a === b) continue;
      checkOrder(history, a, b, complain, proven);
      if (a.write === 0 && b.write === 0) continue;
      checkExclusion(history, a, b, complain, proven);
      checkNotified(history, parts, a, b, complain, proven);
    }
    checkPatience(history, a, complain);
  }
}

/** Who was in the queue before another one asked is granted before that one, and fences grow. */
function checkOrder({ stored, breaks }, a, b, complain, proven) {
  if (!isKnown(a.fence) || !isKnown(b.fence)) return;
  if (a.granted.at < b.asked.at) {
    if (a.fence > b.fence)
      complain('the fence does not grow: the first was granted before the second asked:', a, b);
    // In a store, order is by arrival at the server: of one process that is the order of asking.
  } else if (a.returned && a.returned.at < b.asked.at && (!stored || a.thread === b.thread)) {
    // It may have had its turn already.
    if (breaks && a.expiry > 0) return;
    if (a.fence > b.fence) complain('overtaken: the first waited before the second asked:', a, b);
    proven.order++;
  }
}

/**
 * Nobody is granted what another one holds, if one of the two writes. By their fences `b` was granted after `a`; without
 * them, `b` held for certain when it wrote `granted`.
 */
function checkExclusion(history, a, b, complain, proven) {
  const known = isKnown(a.fence) && isKnown(b.fence);
  const follows = known
    ? a.fence < b.fence
    : a.granted.at < b.granted.at && history.heldAt(b, b.granted, true);
  if (!follows) return;
  if (history.heldAt(a, b.granted, b.write === 1)) complain('two hold one key:', a, b);
  proven.exclusion++;
}

/** Nothing is taken away before its expiry has passed. */
function checkPatience(history, a, complain) {
  if (a.expired && a.expired.notBefore < history.safeUntil(a)) complain('taken away before its expiry:', a);
}

/**
 * Whoever loses a hold is notified before the next one on the same thread is granted. Proven only where nobody
 * can have stood between the two: another one's grant may bring the second message before the first.
 */
function checkNotified({ stored, breaks }, parts, a, b, complain, proven) {
  // The message may have been lost on its way.
  if (breaks) return;
  // A reader may share what was downgraded.
  if (a.downgrading && b.write === 0) return;
  // A store's answer to a release says so, which may be later: its holder was about to let go.
  if (stored && a.releasing) return;
  if (!a.expired || a.thread !== b.thread || !(a.fence < b.fence) || !isKnown(a.fence)) return;
  if (a.granted.at > b.granted.at) return;
  const between = ({ fence, asked, gone }) =>
    isKnown(fence) ? fence > a.fence && fence < b.fence : asked.at < b.granted.at && gone > a.granted.at;
  if (parts.some((part) => part !== a && part !== b && between(part))) return;
  if (a.expired.at > b.granted.at) complain('notified of its expiry after the next was granted:', a, b);
  proven.notified++;
}

function isKnown(fence) {
  return fence > 0;
}

const POINTS = ['asked', 'returned', 'granted', 'downgrading', 'downgraded', 'releasing'];
const ENDS = ['released', 'expired', 'ended', 'failed'];

/** A request as a line: `#7 write of key 1 by thread 2: asked@3 granted@8 (fence 4) …`. */
function describe(part) {
  const points = [...POINTS, ...ENDS].filter((point) => part[point]);
  const path = points.map((point) => {
    const what = point === 'granted' ? ` (fence ${part.fence}, recovered ${part.recovered})` : '';
    return `${point}@${part[point].at}${what}`;
  });
  const expiry = part.expiry > 0 ? ` expiring after ${part.expiry} ms` : '';
  const mode = part.write === 1 ? 'write' : 'read';
  return `#${part.request} ${mode} of key ${part.key} by thread ${part.thread}${expiry}: ${path.join(' ')}`;
}

module.exports = { check };
