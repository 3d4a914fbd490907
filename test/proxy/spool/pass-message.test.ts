import { passMessage } from '../../../src/proxy/spool/pass-message.js';
import type { SendOutcome } from '../../../src/proxy/spool/send-request.js';
import { parseEntryName } from '../../../src/proxy/spool/spool-entry.js';
import { Spool } from '../../../src/proxy/spool/spool.js';
import { formatMessage } from '../../../src/proxy/spool/spooled-message.js';
import { seededEntropy } from '../../support/fakes/seeded-entropy.js';
import { LosingDisk } from './support/losing-disk.js';

const CONTENT = formatMessage({
  target: { host: '100.127.69.42', port: 80 },
  request: Buffer.from('x'),
});

let disk: LosingDisk;
let spool: Spool;
beforeEach(() => {
  disk = new LosingDisk();
  const wallClock = { unixMilliseconds: () => 1_795_989_600_000 };
  const ports = { folder: disk, wallClock, entropy: seededEntropy(1) };
  spool = new Spool(ports, { messages: 10, bytes: 1_000 });
});

const saved = () =>
  disk.saved.map(({ name, bytes }) => ({ state: parseEntryName(name)?.state, bytes }));

it.each<[SendOutcome, readonly string[]]>([
  [{ kind: 'answered', status: 201 }, []],
  [{ kind: 'unsent', message: 'refused', isFutile: true }, []],
  [{ kind: 'unsent', message: 'no handshake' }, ['queued']],
  [{ kind: 'lost', message: 'reset' }, ['unknown']],
])(
  'has saved the message while it is sent; after %j, the spool contains %j',
  async (outcome, left) => {
    const during: ReturnType<typeof saved>[] = [];
    await passMessage(spool, CONTENT, async () => {
      during.push(saved());
      await Promise.resolve();
      return outcome;
    });
    expect(during).toEqual([[{ state: 'sending', bytes: CONTENT }]]);
    expect(saved().map(({ state }) => state)).toEqual(left);
  },
);
