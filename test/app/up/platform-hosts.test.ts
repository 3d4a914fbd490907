import { PLATFORM_HOSTS } from '../../../src/app/up/plan-tunnel.js';
import { SERVICE_NAMES } from '../../../src/emulator/services.js';

it('has the addresses that the emulator serves, except for Krypton, which is outside the tunnel', () => {
  const served = [...SERVICE_NAMES].filter(([name]) => name !== 'krypton.soracom.io');
  expect([...PLATFORM_HOSTS]).toEqual(served.map(([name, address]) => [name, [address]]));
});
