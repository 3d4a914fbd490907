import { EndpointTable } from '../../../../src/system/linux/udp/endpoint-table.js';
import { type Libc, loadLibc } from '../../../../src/system/linux/libc.js';
import {
  AF_INET,
  AF_INET6,
  SocketAddresses,
} from '../../../../src/system/linux/udp/socket-address.js';
import { describeWith } from '../../../support/runner/requirements.js';

describeWith(['linux', 'koffi'], 'the endpoints of a socket', () => {
  let addresses: SocketAddresses;
  beforeAll(async () => {
    addresses = new SocketAddresses((await loadLibc()) as Libc);
  });

  const endpoint = (port: number, address = '192.0.2.1') => ({ address, port });

  it('are the same object whether looked up by text or by bytes', () => {
    const table = new EndpointTable(addresses, AF_INET6);
    const sent = table.find(endpoint(1, '2001:DB8::1'));
    expect(table.find(endpoint(1, '2001:db8:0::1'))).toBe(sent);
    const bytes = addresses.encode('2001:db8::1', 1, AF_INET6)!;
    expect(table.sender(bytes)).toBe(sent);
    expect(table.sender(addresses.encode('2001:db8::1', 2, AF_INET6)!)).not.toBe(sent);
    expect(table.sender(bytes)).toBe(sent);
    expect(table.find(endpoint(1, 'nowhere'))).toBeUndefined();
  });

  it('keep their bytes even if the system overwrites the buffer', () => {
    const table = new EndpointTable(addresses, AF_INET);
    const bytes = addresses.encode('192.0.2.1', 1, AF_INET)!;
    const known = table.sender(bytes);
    bytes.fill(0);
    expect(known.endpoint).toEqual(endpoint(1));
    expect(addresses.decode(known.socketAddress)).toEqual(endpoint(1));
  });

  it('are limited to 256; beyond that, the oldest is forgotten', () => {
    const table = new EndpointTable(addresses, AF_INET);
    const known = Array.from({ length: 256 }, (_, port) => table.find(endpoint(port))!);
    known.forEach((one, port) => {
      one.source = Uint8Array.of(port);
    });
    expect(table.find(endpoint(0))).toBe(known[0]);
    table.sender(addresses.encode('192.0.2.1', 256, AF_INET)!);
    expect(table.find(endpoint(1))).toBe(known[1]);
    const again = table.find(endpoint(0))!;
    expect(again).not.toBe(known[0]);
    expect(again.source).toBeUndefined();
    expect(table.sender(again.socketAddress)).toBe(again);
  });
});
