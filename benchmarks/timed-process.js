'use strict';
// The process that times a scenario, or tries whether one side can do it: see timed.js.

const { alternate, attempt } = require('./measure');
const { answer } = require('./task');

answer(async ({ sides, plan, attemptOnly }) => {
  if (!attemptOnly) return { samples: await alternate(sides, plan) };
  await attempt(sides[0]);
  return {};
});
