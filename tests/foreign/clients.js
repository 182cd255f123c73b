// What the `ws` package of node sees of our socket: one JSON line for each thing tried. `node clients.js URL STAGE`
'use strict';
const WebSocket = require('ws');
const [url, stage] = process.argv.slice(2);

const PING = (pad = 0) => JSON.stringify({ type: 'PING', pad: 'x'.repeat(pad) });
const say = (message) => JSON.stringify(message);

// Open a socket, let `act` have it, and tell everything it hears until it closes or `act` says that it is done.
function attempt(name, act, options = {}) {
  return new Promise((resolve) => {
    const heard = [];
    const socket = new WebSocket(url, { perMessageDeflate: false, handshakeTimeout: 5000, ...options });
    const late = setTimeout(() => { heard.push('late'); socket.terminate(); }, 8000);
    const note = (what) => {
      heard.push(what);
      if (act.until && act.until(heard)) socket.close(1000, 'done');
    };
    socket.on('open', () => act.open && act.open(socket));
    socket.on('message', (data, isBinary) => {
      const message = JSON.parse(data.toString());
      note(isBinary ? 'binary' : message.code ? `${message.type} ${message.code}` : message.type);
    });
    socket.on('pong', (data) => note(`pong ${data.length}`));
    socket.on('unexpected-response', (_, answer) => { note(`HTTP ${answer.statusCode}`); socket.terminate(); });
    socket.on('error', (error) => { if (!String(error).includes('before the connection')) heard.push(error.code || String(error)); });
    socket.on('close', (code) => {
      clearTimeout(late);
      heard.push(`close ${code}`);
      console.log(JSON.stringify({ name, heard, extensions: socket.extensions, protocol: socket.protocol }));
      resolve();
    });
  });
}

const after = (count) => (heard) => heard.length === count;

async function main() {
  for (const size of [0, 100, 125, 126, 127, 1024, 10000]) {
    await attempt(`text with ${size} bytes more`, { open: (s) => s.send(PING(size)), until: after(1) });
  }
  await attempt('binary', { open: (s) => s.send(Buffer.from([0, 255, 1])), until: after(1) });
  await attempt('empty text', { open: (s) => s.send(''), until: after(1) });
  for (const size of [0, 1, 125]) {
    await attempt(`ping of ${size}`, { open: (s) => s.ping(Buffer.alloc(size, 120)), until: after(1) });
  }
  await attempt('pong unasked', { open: (s) => { s.pong('!'); s.send(PING()); }, until: after(1) });
  await attempt('fragments', {
    open: (s) => {
      const text = PING(300);
      s.send(text.slice(0, 10), { fin: false });
      s.ping('mid');
      s.send(text.slice(10, 200), { fin: false });
      s.send(text.slice(200), { fin: true });
    },
    until: after(2),
  });
  await attempt('too big', { open: (s) => s.send('x'.repeat(20000)) });
  await attempt('too big in fragments', { open: (s) => { for (let n = 0; n < 20; n++) s.send('x'.repeat(1000), { fin: n === 19 }); } });
  for (const code of [1000, 1001, 3000, 4999]) {
    await attempt(`close with ${code}`, { open: (s) => s.close(code, 'bye') });
  }
  await attempt('close without a code', { open: (s) => s.close() });
  await attempt('compression and subprotocol offered', { open: (s) => s.send(PING()), until: after(1) }, { perMessageDeflate: true });
  await attempt('a foreign page', {}, { origin: 'https://evil.example' });
  await attempt('a page of ours', { open: (s) => s.send(PING()), until: after(1) }, { origin: url.replace('ws', 'http').replace('/ws', '') });
  await attempt('another version', {}, { protocolVersion: 8 });
  await attempt('subscribe', {
    open: (s) => s.send(say({ type: 'SUBSCRIBE', messageId: '1', stageId: stage, mine: false })),
    until: after(2),
  });
  await attempt('20 messages at once', { open: (s) => { for (let n = 0; n < 20; n++) s.send(PING()); }, until: after(20) });
}

main();
