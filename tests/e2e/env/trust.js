// SPDX-License-Identifier: ISC
// trust.js PROXY HOST:PORT... - node's verdict on the leaf for each host. CA by
// NODE_EXTRA_CA_CERTS.
'use strict';
const http = require('http');
const net = require('net');
const tls = require('tls');

const [proxy, ...hosts] = process.argv.slice(2);
const [host, port] = proxy.split(':');

const verdict = (authority) => new Promise((resolve) => {
  const name = authority.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  http.request({host, port, method: 'CONNECT', path: authority, headers: {Host: authority}})
    .on('connect', (response, socket) => {
      const secure = tls.connect({socket, host: name, servername: net.isIP(name) ? '' : name});
      secure.on('secureConnect', () => { resolve('ok'); secure.end(); });
      secure.on('error', (error) => resolve(String(error)));
    }).on('error', (error) => resolve(String(error))).end();
});

(async () => {
  for (const authority of hosts) {
    console.log(authority, await verdict(authority));
  }
})();
