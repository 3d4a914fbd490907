import { isReadOnlyForAll, unescapeMount } from '../../../src/system/files/read-only-mounts.js';

const MOUNTS = `22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
40 22 254:1 /home /home ro,relatime shared:2 - ext4 /dev/vda1 rw
41 22 7:0 / /snap ro,relatime - squashfs /dev/loop0 ro
42 22 254:1 /a /with\\040space rw,relatime - ext4 /dev/vda1 ro,errors=remount-ro
43 22 0:30 / /covered ro - squashfs /dev/loop1 ro
44 22 0:31 / /covered rw - tmpfs tmpfs rw
`;

it.each([
  ['/etc/arc.json', false, false],
  ['/snap/arc.json', true, true],
  ['/snapshot/arc.json', false, false],
  ['/with space/arc.json', true, true],
  // Read-only for a unit with ProtectHome=read-only, not for the users of the machine.
  ['/home/pi/arc.json', false, true],
  ['/home', false, true],
  ['/covered/arc.json', false, false],
])('%s: %s, and %s in a container', (path, onMachine, inContainer) => {
  expect(isReadOnlyForAll(path, MOUNTS, { isWholeMachine: false })).toBe(onMachine);
  expect(isReadOnlyForAll(path, MOUNTS, { isWholeMachine: true })).toBe(inContainer);
});

it('finds nothing read-only without a mount table', () => {
  expect(isReadOnlyForAll('/etc', '', { isWholeMachine: true })).toBe(false);
});

it('reads escaped names', () => {
  expect(unescapeMount('/a\\040b\\134c')).toBe('/a b\\c');
});
