// A registry of a few packages on 127.0.0.1, so that `npm install` resolves optional dependencies for real.
'use strict';

const fs = require('node:fs');
const http = require('node:http');

/**
 * Serves `packages`, each `{ manifest, tarball?, integrity? }`; a package without a tarball can be looked up but
 * not downloaded. Everything else is 404. `downloads` names the packages whose tarball was asked for.
 */
async function openRegistry(packages) {
  const downloads = [];
  const byName = new Map(packages.map((entry) => [entry.manifest.name, entry]));
  const server = http.createServer((request, response) => {
    const url = decodeURIComponent(request.url).slice(1);
    const [name, isTarball] = url.endsWith('.tgz') ? [url.slice(0, -'.tgz'.length), true] : [url, false];
    const entry = byName.get(name);
    if (isTarball) downloads.push(name);
    if (!entry || (isTarball && !entry.tarball)) {
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"not found"}');
    } else if (isTarball) {
      response.writeHead(200, { 'content-type': 'application/octet-stream' });
      fs.createReadStream(entry.tarball).pipe(response);
    } else {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(packument(entry, `http://${request.headers.host}`)));
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}`, downloads, close: () => server.close() };
}

/** What a registry answers about a package: here always one version, the latest. */
function packument({ manifest, integrity }, url) {
  const dist = { tarball: `${url}/${manifest.name}.tgz`, integrity };
  const { name, version } = manifest;
  return { name, 'dist-tags': { latest: version }, versions: { [version]: { ...manifest, dist } } };
}

module.exports = { openRegistry };
