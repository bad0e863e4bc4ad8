// The workflows in .github: what actionlint says of them, and the shell steps in them.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { ROOT, run } = require('../command');

const FOLDER = path.join(ROOT, '.github', 'workflows');
/** Runners that are newer than the actionlint that can be had as a package. */
const NEW_RUNNERS = ['macos-15-intel', 'windows-11-arm'];

async function checkWorkflows(modules) {
  const cli = path.join(modules, '@tktco', 'node-actionlint', 'bin', 'node-actionlint.js');
  const { output } = await run([process.execPath, [cli]]);
  const problems = output.split('\n').filter((line) => line.startsWith('.github'));
  const isNew = (line) => NEW_RUNNERS.some((name) => line.includes(`label "${name}" is unknown`));
  const left = problems.filter((line) => !isNew(line));
  if (left.length > 0 || !output.startsWith('Checking')) throw new Error(left.join('\n') || output);
}

/**
 * @param {string} modules where a parser of YAML is installed
 * @returns {string} what one step of one job of a workflow runs
 */
function shellStep(modules, workflow, job, name) {
  const yaml = require(path.join(modules, 'js-yaml'));
  const { jobs } = yaml.load(fs.readFileSync(path.join(FOLDER, `${workflow}.yml`), 'utf8'));
  const step = jobs[job]?.steps.find((each) => each.name === name);
  if (!step) throw new Error(`${workflow}.yml has no step "${name}" in its job "${job}"`);
  return step.run;
}

module.exports = { checkWorkflows, shellStep };
