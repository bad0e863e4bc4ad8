'use strict';
// On what is measured, and whether it is fit for that.

const os = require('node:os');

function cpu() {
  const all = os.cpus();
  return `${all.length} × ${all[0]?.model.trim() ?? 'unknown CPU'}`;
}

function warnIfBusy() {
  const [load] = os.loadavg();
  if (load < os.cpus().length / 2) return;
  console.log(
    `other programs keep this machine busy (load ${load.toFixed(1)}): do not trust the times too far`,
  );
}

module.exports = { cpu, warnIfBusy };
