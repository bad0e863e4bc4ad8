'use strict';
// Proves `recovered`: true for each grant after a write hold that died or expired, until one that wrote was
// released normally.

const WHOLE = 'whole';
const HALF_WRITTEN = 'half written';
const UNKNOWN = 'unknown';

function checkRecovered(history, parts, granted, complain, proven) {
  const writes = granted.filter((part) => part.write === 1 && part.fence > 0);
  writes.sort((a, b) => a.fence - b.fence);
  const unseen = parts.filter((part) => mayHaveWrittenUnseen(history, part));
  for (const part of granted) {
    // Whoever holds several keys learns of them all together: only "no" is said of each.
    if (part.fence <= 0 || part.recovered === -1) continue;
    const before = writes.findLast((write) => write.fence < part.fence);
    const left = before === undefined ? WHOLE : leftBy(history, before);
    if (
      left === UNKNOWN ||
      unseen.some((write) => (write !== part || history.breaks) && mayStandBetween(write, before, part))
    )
      continue;
    proven.recovered++;
    if (part.recovered === 0 && left === HALF_WRITTEN) complain('recovered is missing after:', before, part);
    if (part.recovered === 1 && left === WHOLE) {
      complain('recovered, and nobody left it half written:', ...(before ? [before] : []), part);
    }
  }
}

/** How a write hold left what it wrote. */
function leftBy(history, part) {
  if (part.downgraded || part.released) return WHOLE;
  // The very call that downgrades may report the loss: then it may have been lost as a reader.
  if (part.expired) return part.downgrading ? UNKNOWN : HALF_WRITTEN;
  const unsaid = part.ended || part.releasing || part.downgrading;
  return unsaid || !history.isDead(part.thread) ? UNKNOWN : HALF_WRITTEN;
}

/** Whether the engine may have made it a writer whose place in the order is not known. */
function mayHaveWrittenUnseen(history, part) {
  if (part.write === 0) return false;
  // Granted and expired on the way, before the grant that it knows.
  if (history.breaks && part.expiry > 0) return true;
  if (part.fence > 0) return false;
  if (part.granted || part.expiry > 0) return true;
  // Granted, and dead before it knew. One that lived and failed gave back what it had not seen.
  return history.isDead(part.thread) && !part.failed;
}

function mayStandBetween(write, before, after) {
  return write.asked.at < after.granted.at && !(before !== undefined && write.gone < before.asked.at);
}

module.exports = { checkRecovered };
