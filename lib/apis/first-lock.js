'use strict';
// What the first lock object needs, and `require` alone does not. A release has all of it in a file of its own, which
// the first call loads; here it is loaded at once. See scripts/bundle.js.

const { lock } = require('../requests/callbacks');
const { openSpace } = require('../spaces/open-space');
const { LOCK } = require('./options');
const { toPlace } = require('./place');
const { PromiseLocks } = require('./promises');

const parts = { lock, openSpace, LOCK, toPlace, PromiseLocks };

module.exports = () => parts;
