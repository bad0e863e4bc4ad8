'use strict';
// @sesamecare-oss/redlock, from npm: its README shows the same use and settings as redlock's.

const { Redlock } = require('@sesamecare-oss/redlock');
const { devDependencies } = require('../../../package.json');
const { opener } = require('./redlock');

module.exports = {
  label: `@sesamecare-oss/redlock ${devDependencies['@sesamecare-oss/redlock']}`,
  open: opener(Redlock),
};
