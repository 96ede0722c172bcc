// SPDX-License-Identifier: ISC
// ws_node.js - Node's `ws`: `origin KEY CHAIN` prints its port and echoes until its input
// ends; `client JSON` says each message through a proxy when the one before came back.
'use strict';

const fs = require('fs');
const https = require('https');
const net = require('net');
const tls = require('tls');
const { WebSocket, WebSocketServer } = require('ws');

function origin(key, chain) {
	const server = https.createServer({ key: fs.readFileSync(key), cert: fs.readFileSync(chain) });
	const sockets = new WebSocketServer({ server, perMessageDeflate: { threshold: 0 } });
	sockets.on('connection', (socket) => {
		socket.on('message', (data, binary) => socket.send(data, { binary }));
		socket.on('error', () => {});
	});
	server.listen(0, '127.0.0.1', () => console.log(server.address().port));
	process.stdin.on('end', () => process.exit(0)).resume();
}

function tunnel(plan, done) {
	const socket = net.connect(plan.port, plan.host, () => socket.write(
		`CONNECT ${plan.authority} HTTP/1.1\r\nHost: ${plan.authority}\r\n` +
		`Proxy-Authorization: Basic ${Buffer.from(plan.tag + ':').toString('base64')}\r\n\r\n`));
	socket.once('data', (head) => {
		if (!/^HTTP\/1.1 200 /.test(head.toString('latin1')))
			throw new Error(head.toString('latin1'));
		done(tls.connect({ socket, servername: 'localhost', ca: fs.readFileSync(plan.ca) }));
	});
}

function client(plan) {
	tunnel(plan, (secure) => {
		const heard = [];
		const agent = new https.Agent();
		agent.createConnection = () => secure;
		const socket = new WebSocket(`wss://${plan.authority}/node`, {
			agent, perMessageDeflate: plan.deflate && { threshold: 0 } });
		const next = () => {
			const said = plan.said[heard.length];
			if (said === undefined)
				socket.close(4321, 'enough');
			else
				socket.send(said.hex === undefined ? said.text : Buffer.from(said.hex, 'hex'));
		};
		socket.on('open', () => socket.ping('ping'));
		socket.on('pong', next);
		socket.on('message', (data, binary) => {
			heard.push(binary ? { hex: data.toString('hex') } : { text: data.toString() });
			next();
		});
		socket.on('close', (code, reason) => console.log(JSON.stringify({ heard, code,
			reason: reason.toString(), extensions: socket.extensions })));
	});
}

if (process.argv[2] === 'origin')
	origin(process.argv[3], process.argv[4]);
else
	client(JSON.parse(process.argv[3]));
