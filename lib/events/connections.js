'use strict';
// The diagnostics channels of the stores' connections: who watches them learns of each connection and its end, of a lost
// session, and of a server that grants nothing yet.

const { channel } = require('node:diagnostics_channel');
const { at, words, native } = require('../addon/layout');
const { toDate } = require('../errors');
const { publishLater } = require('./diagnostics');

/** By what has happened, as the addon names it. */
const channels = {
  connect: channel('latchkey:store-connect'),
  disconnect: channel('latchkey:store-disconnect'),
  'session-lost': channel('latchkey:store-session-lost'),
  freeze: channel('latchkey:store-freeze'),
};

/** Reads what has happened to the stores' connections by the last wake-up. It is published with what is delivered next. */
function takeConnectionEvents() {
  if (words[at.storeEvents] === 0) return;
  for (const { store, what, reason, holds, frozen } of native.storeEvents()) {
    const to = channels[/** @type {keyof typeof channels} */ (what)];
    if (what === 'disconnect') publishLater(to, { store, reason: reason ?? null });
    else if (what === 'session-lost') publishLater(to, { store, holds });
    else if (what === 'freeze') publishLater(to, { store, frozenUntil: toDate(frozen ?? 0) });
    else publishLater(to, { store });
  }
}

module.exports = { takeConnectionEvents };
