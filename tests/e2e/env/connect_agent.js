// SPDX-License-Identifier: ISC
// connect_agent.js PROXY TAG URL... - node's https through a CONNECT proxy, one
// connection for all URLs.  CA by NODE_EXTRA_CA_CERTS.  Prints status and SHA-256.
'use strict';
const crypto = require('crypto');
const http = require('http');
const https = require('https');

const [proxy, tag, ...urls] = process.argv.slice(2);
const [host, port] = proxy.split(':');

class ConnectAgent extends https.Agent {
  createConnection(options, done) {
    const authority = `${options.host}:${options.port}`;
    const user = Buffer.from(`${tag}:`).toString('base64');
    http.request({host, port, method: 'CONNECT', path: authority,
      headers: {Host: authority, 'Proxy-Authorization': `Basic ${user}`}})
      .on('connect', (response, socket) => {
        if (response.statusCode !== 200) {
          done(new Error(`CONNECT said ${response.statusCode}`));
          return;
        }
        done(null, super.createConnection({...options, socket}));
      }).on('error', done).end();
  }
}

const agent = new ConnectAgent({keepAlive: true, maxSockets: 1});
const get = (url) => new Promise((resolve, reject) => {
  https.get(url, {agent}, (response) => {
    const sum = crypto.createHash('sha256');
    response.on('data', (piece) => sum.update(piece));
    response.on('end', () => resolve(`${response.statusCode} ${sum.digest('hex')}`));
    response.on('error', reject);
  }).on('error', reject);
});

(async () => {
  for (const url of urls) {
    console.log(await get(url));
  }
  agent.destroy();
})().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
