import { ARC_JSON, RenewalHarness } from '../renewal-harness.js';

it('no longer reads arc.json after it is closed', async () => {
  const at = await new RenewalHarness().prepare();
  await at.open();
  await at.closeUpdates();
  at.files.texts.set(ARC_JSON, at.arcJson({ persistentKeepalive: 7 }));
  await at.reload();
  expect(at.reconfigured).toBe(0);
  await at.close();
  expect(at.world.clock.armed).toBe(0);
});

it('waits for a running reload to finish', async () => {
  const at = await new RenewalHarness().prepare();
  await at.open({ renews: false });
  at.files.texts.set(ARC_JSON, at.arcJson({ persistentKeepalive: 7 }));
  const reloading = at.reload();
  await at.closeUpdates();
  expect(at.reconfigured).toBe(1);
  await reloading;
  await at.close();
});

it('reports the start and the end of each reload', async () => {
  const at = await new RenewalHarness().prepare();
  const told: string[] = [];
  at.aroundReload = async (reload) => {
    told.push('begins');
    await reload();
    told.push(`ends after ${at.reconfigured}`);
  };
  await at.open({ renews: false });
  at.files.texts.set(ARC_JSON, at.arcJson({ persistentKeepalive: 7 }));
  await at.reload();
  expect(told).toEqual(['begins', 'ends after 1']);
  await at.close();
});
