// SPDX-License-Identifier: ISC
// h2_node.js - Node's HTTP/2: `origin KEY CHAIN` prints its port and serves until its
// input ends; `client JSON` opens streams through a proxy and prints what came of them.
'use strict';

const crypto = require('crypto');
const fs = require('fs');
const http2 = require('http2');
const net = require('net');
const tls = require('tls');

// n bytes that no other seed has, and none of them twice.
function pattern(seed, n) {
	const key = crypto.createHash('sha256').update(String(seed)).digest().subarray(0, 16);
	return crypto.createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(n));
}

const sha = (data) => crypto.createHash('sha256').update(data).digest('hex');

// ---- origin ----
const waiting = [];

// Answers when as many as x-together says are there, all at once.
function answer(stream, headers, sum) {
	waiting.push(() => {
		if (stream.destroyed)
			return;
		const body = pattern(headers['x-seed'] + 'down', Number(headers['x-down']));
		stream.respond({ ':status': 200, 'content-type': 'application/octet-stream',
			'x-up': sum, 'x-down-sum': sha(body) });
		stream.end(body);
	});
	if (waiting.length >= Number(headers['x-together'] || 1))
		for (const go of waiting.splice(0))
			go();
}

function origin(key, chain) {
	const server = http2.createSecureServer({ key: fs.readFileSync(key),
		cert: fs.readFileSync(chain), allowHTTP1: true,
		settings: { maxConcurrentStreams: 1000 } });
	server.on('sessionError', () => {});
	server.on('stream', (stream, headers) => {
		const hash = crypto.createHash('sha256');
		stream.on('error', () => {});
		stream.on('data', (data) => hash.update(data));
		stream.on('end', () => answer(stream, headers, hash.digest('hex')));
	});
	server.on('request', (request, response) => {
		if (request.httpVersionMajor === 1)
			response.end('hello\n');
	});
	server.listen(0, '127.0.0.1', 1024, () => console.log(server.address().port));
	process.stdin.on('end', () => process.exit(0)).resume();
}

// ---- client ----
function dial(plan) {
	return new Promise((resolve, reject) => {
		const socket = net.connect(plan.port, plan.host, () => socket.write(
			`CONNECT ${plan.authority} HTTP/1.1\r\nHost: ${plan.authority}\r\n` +
			`Proxy-Authorization: Basic ${Buffer.from(plan.tag + ':').toString('base64')}\r\n\r\n`));
		socket.once('error', reject);
		socket.once('data', (head) => {
			if (!/^HTTP\/1.1 200 /.test(head.toString('latin1')))
				return reject(new Error(head.toString('latin1')));
			const secure = tls.connect({ socket, servername: 'localhost', ALPNProtocols: ['h2'],
				ca: fs.readFileSync(plan.ca) }, () => resolve(secure));
			secure.once('error', reject);
		});
	});
}

function exchange(session, plan, seed) {
	return new Promise((resolve) => {
		const body = pattern(seed + 'up', plan.up);
		const hash = crypto.createHash('sha256');
		let headers = {};
		const stream = session.request({ ':method': 'POST', ':path': `/node?${seed}`,
			'x-seed': seed, 'x-down': plan.down,
			'x-together': plan.together ? plan.connections * plan.streams : 1 });
		stream.on('response', (h) => { headers = h; });
		stream.on('data', (data) => hash.update(data));
		stream.on('error', (error) => resolve(`${seed}: ${error.message}`));
		stream.on('end', () => {
			if (headers['x-up'] !== sha(body))
				resolve(`${seed}: another body arrived at the origin`);
			else if (headers['x-down-sum'] !== hash.digest('hex'))
				resolve(`${seed}: another body came back`);
			else
				resolve(null);
		});
		stream.end(body);
	});
}

async function client(plan) {
	const all = [];
	const sessions = [];
	for (let i = 0; i < plan.connections; i++) {
		const secure = await dial(plan);
		const session = http2.connect(`https://${plan.authority}`, { createConnection: () => secure });
		session.on('error', () => {});
		await new Promise((resolve) => session.once('remoteSettings', resolve));
		sessions.push(session);
		for (let k = 0; k < plan.streams; k++)
			all.push(exchange(session, plan, `${i}-${k}`));
	}
	const trouble = (await Promise.all(all)).filter((x) => x !== null);
	console.log(JSON.stringify({ done: all.length, trouble: trouble.slice(0, 10),
		failed: trouble.length }));
	for (const session of sessions)
		session.close();
}

if (process.argv[2] === 'origin')
	origin(process.argv[3], process.argv[4]);
else
	client(JSON.parse(process.argv[3]));
