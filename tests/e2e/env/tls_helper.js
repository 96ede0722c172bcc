/* SPDX-License-Identifier: ISC */
/*
 * Node's https client, and an origin that staples; see helper.py.
 *   N get IP PORT HOST PROXY CA PATH          N ok|refused CODE TEXT
 *   N serve KEY CHAIN STAPLE                  N PORT; later: open|heard|closed PORT [PATH]
 */
'use strict';
const fs = require('fs');
const net = require('net');
const tls = require('tls');
const readline = require('readline');

const say = (...words) => process.stdout.write(
  words.map((w) => String(w).replace(/[\t\n]/g, ' ')).join('\t') + '\n');
const authority = (host, port) => `${net.isIPv6(host) ? `[${host}]` : host}:${port}`;

function connect(ip, port, host, proxy, ready, failed) {
  if (proxy === '-') {
    const socket = net.connect(port, ip, () => ready(socket));
    return socket.once('error', failed);
  }
  const [, tag, name, at] = proxy.match(/^(?:(.*)@)?(.*):(\d+)$/);
  const socket = net.connect(at, name, () => {
    const auth = tag ? `Proxy-Authorization: Basic ${Buffer.from(`${tag}:`).toString('base64')}\r\n` : '';
    socket.write(`CONNECT ${authority(host, port)} HTTP/1.1\r\nHost: ${authority(host, port)}\r\n${auth}\r\n`);
    let head = '';
    socket.on('data', function more(data) {
      head += data.toString('latin1');
      if (!head.includes('\r\n\r\n')) return;
      socket.removeListener('data', more);
      if (head.startsWith('HTTP/1.1 200')) ready(socket);
      else failed(new Error(`CONNECT: ${head}`));
    });
  });
  socket.once('error', failed);
}

const roots = new Map();
function ca(path) {
  if (!roots.has(path)) {
    roots.set(path, tls.createSecureContext({ ca: fs.readFileSync(path) }));
  }
  return roots.get(path);
}

function get(number, ip, port, host, proxy, store, path) {
  let done = false;
  const end = (socket, ...words) => {
    if (!done) say(number, ...words);
    done = true;
    if (socket) socket.destroy();
  };
  const failed = (socket) => (error) => end(socket, 'refused', error.code || '', error.message);
  connect(ip, port, host, proxy, (socket) => {
    const secure = tls.connect({ socket, host, servername: net.isIP(host) ? '' : host,
      secureContext: ca(store) });
    socket.removeAllListeners('error');
    socket.on('error', failed(socket));
    secure.on('error', failed(socket));
    secure.on('secureConnect', () => secure.write(
      `GET ${path} HTTP/1.1\r\nHost: ${authority(host, port)}\r\nConnection: close\r\n\r\n`));
    secure.once('data', (data) => end(socket, 'ok', data.toString('latin1').split(' ')[1], ''));
    secure.on('close', () => end(socket, 'refused', 'closed', ''));
  }, failed(null));
}

function serve(number, key, chain, staple) {
  const server = tls.createServer({ key: fs.readFileSync(key), cert: fs.readFileSync(chain),
    ALPNProtocols: ['http/1.1'] });
  let port;
  server.on('OCSPRequest', (cert, issuer, answer) => answer(null, fs.readFileSync(staple)));
  server.on('connection', (socket) => {
    say('open', port);
    socket.on('close', () => say('closed', port));
  });
  server.on('tlsClientError', () => {});
  server.on('secureConnection', (socket) => {
    socket.on('error', () => {});
    socket.once('data', (data) => {
      const path = data.toString('latin1').split(' ')[1];
      say('heard', port, path);
      socket.end('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n' +
        'Connection: close\r\n\r\n');
    });
  });
  server.listen(0, '127.0.0.1', () => {
    port = server.address().port;
    say(number, port);
  });
}

const verbs = { get, serve };
readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const [number, verb, ...words] = line.split('\t');
  verbs[verb](number, ...words);
}).on('close', () => process.exit(0));
