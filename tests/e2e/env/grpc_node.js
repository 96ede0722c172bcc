// SPDX-License-Identifier: ISC
// grpc_node.js - @grpc/grpc-js: `origin KEY CHAIN` prints its port and serves until its
// input ends; `client JSON` makes one call of each kind, by way of $https_proxy.
'use strict';

const fs = require('fs');
const grpc = require('@grpc/grpc-js');

const same = (x) => x;
const method = (name, requestStream, responseStream) => ({ path: `/test.Node/${name}`,
	requestStream, responseStream, requestSerialize: same, requestDeserialize: same,
	responseSerialize: same, responseDeserialize: same });
const service = {
	unary: method('Unary', false, false), down: method('Down', false, true),
	up: method('Up', true, false), both: method('Both', true, true),
	refuses: method('Refuses', false, false), never: method('Never', false, false),
};

function origin(key, chain) {
	const server = new grpc.Server();
	server.addService(service, {
		unary: (call, done) => {
			const last = new grpc.Metadata();
			last.set('x-last', 'word');
			done(null, Buffer.from(call.request).reverse(), last);
		},
		down: (call) => {
			for (let i = 0; i < 5; i++)
				call.write(Buffer.from(`${i}`));
			call.end();
		},
		up: (call, done) => {
			let n = 0;
			call.on('data', (data) => { n += data.length; });
			call.on('end', () => done(null, Buffer.from(`${n}`)));
		},
		both: (call) => {
			call.on('data', (data) => call.write(Buffer.from(data.toString().toUpperCase())));
			call.on('end', () => call.end());
		},
		refuses: (call, done) => done({ code: grpc.status.NOT_FOUND, details: 'none such' }),
		never: () => {},
	});
	server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createSsl(null,
		[{ private_key: fs.readFileSync(key), cert_chain: fs.readFileSync(chain) }]),
	(error, port) => console.log(port));
	process.stdin.on('end', () => process.exit(0)).resume();
}

const promised = (start) => new Promise((resolve) => start((error, got) =>
	resolve(error ? { code: error.code, details: error.details } : got.toString())));
const collected = (call) => new Promise((resolve, reject) => {
	const heard = [];
	call.on('data', (data) => heard.push(data.toString()));
	call.on('error', reject);
	call.on('end', () => resolve(heard));
});

async function client(plan) {
	const Client = grpc.makeGenericClientConstructor(service, 'Node');
	const stub = new Client(plan.authority, grpc.credentials.createSsl(fs.readFileSync(plan.ca)));
	const told = {};
	told.unary = await promised((done) => stub.unary(Buffer.from('hello'), done));
	told.down = await collected(stub.down(Buffer.alloc(0)));
	told.up = await promised((done) => {
		const call = stub.up(done);
		for (let i = 0; i < 5; i++)
			call.write(Buffer.alloc(100000));
		call.end();
	});
	const both = stub.both();
	told.both = [];
	await new Promise((resolve) => {
		both.on('data', (data) => {		// the next question follows the answer
			told.both.push(data.toString());
			if (told.both.length === 5)
				both.end();
			else
				both.write(Buffer.from(`ping ${told.both.length}`));
		});
		both.on('end', resolve);
		both.write(Buffer.from('ping 0'));
	});
	told.refuses = await promised((done) => stub.refuses(Buffer.alloc(0), done));
	told.never = await promised((done) => stub.never(Buffer.alloc(0),
		{ deadline: Date.now() + 500 }, done));
	stub.close();
	console.log(JSON.stringify(told));
}

if (process.argv[2] === 'origin')
	origin(process.argv[3], process.argv[4]);
else
	client(JSON.parse(process.argv[3]));
