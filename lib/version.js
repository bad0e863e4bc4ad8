'use strict';
// The version of the package. A release has it written in its JavaScript: scripts/bundle.js.

module.exports = require('../package.json').version;
