/** Answers each datagram with its sender's port and its text: `node udp-echo.js ADDRESS:PORT...`. */
import { createSocket } from 'node:dgram';

const places = process.argv.slice(2);
let open = 0;
for (const place of places) {
  const [, address, port] = /^(.*):(\d+)$/.exec(place);
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4', (bytes, from) =>
    socket.send(`${from.port} ${bytes}`, from.port, from.address),
  );
  socket.bind(Number(port), address, () => {
    if (++open === places.length) console.log('listening');
  });
}
