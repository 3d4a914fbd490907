import { pathFault } from '../../../src/lib/errors/path-fault.js';

const KEY = 'yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=';
const ARC_JSON = JSON.stringify({ privateKey: KEY, simId: '8942310022000012345', postUp: [] });
const WG_QUICK = `[Interface]\nPrivateKey = ${KEY}\nAddress = 10.0.0.1/32\n`;
const base64 = (text: string) => Buffer.from(text).toString('base64');
const base64url = (text: string) => Buffer.from(text).toString('base64url');

it.each([
  ['quoted', `'${ARC_JSON}'`],
  ['quoted', `"${ARC_JSON}"`],
  ['quoted', `"${base64(ARC_JSON)}"`],
  ['quoted', `“${ARC_JSON}”`],
  ['quoted', "'arc.json'"],
  ['json', ARC_JSON],
  ['json', `[${ARC_JSON}]`],
  ['broken-json', ARC_JSON.slice(8)],
  ['broken-json', ARC_JSON.replace('{', '\\{')],
  ['wireguard-configuration', WG_QUICK],
  ['wireguard-configuration', WG_QUICK.replaceAll('\n', ' ')],
  ['wireguard-configuration', `PrivateKey=${KEY}`],
  ['base64', base64(ARC_JSON)],
  ['base64', base64(ARC_JSON).slice(0, 60)],
  ['base64', base64(ARC_JSON).slice(1)],
  ['base64', base64(ARC_JSON).slice(2)],
  ['base64', base64(ARC_JSON).slice(3)],
  ['base64', base64url(`{ "a": "???>>>???>>>", ${ARC_JSON.slice(1)}`)],
  ['base64', base64(ARC_JSON).replace(/.{20}/g, '$&\n')],
  ['base64', `data:application/json;base64,${base64(ARC_JSON)}`],
  ['base64', base64(WG_QUICK)],
  ['base64', base64(`'${ARC_JSON}'`)],
  ['key', KEY],
  ['key', `${KEY}\n`],
  ['key', KEY.replaceAll('+', '-')],
  ['key', `PRIVATE_KEY:${KEY}`],
  ['key', 'secret-Zq3vY8kLmN5tRw2XbP7c'],
  ['key', 'eyJhbGciOi.eyJzdWIi.x'],
  ['key', 'yAnz5TF+lXXJte14tji3zlMNq'],
  ['several-lines', 'arc.json\nother.json'],
])('is %s instead of a path: %s', (fault, text) => {
  expect(pathFault(text)).toBe(fault);
});

it.each([
  'arc.json',
  './arc',
  "/home/o'brien/my config/arc.json",
  '/etc/secret-volume/arc.json',
  '/run/secrets/arc',
  'C:\\Users\\me\\arc.json',
  '/home/someone/deployments/production/region/configuration',
  'deployments/productionserver/arcconfiguration/number17/current',
  '/data/site=Tokyo/environment=Production2024/device=sensor/arc.json',
  `/var/lib/docker/volumes/${'0123456789abcdef'.repeat(4)}/_data/arc.json`,
  '/var/folders/x7/3kqYz8Gd4Zb1XvQ9c0000gn/T/arctun-secrets-AbC123/arc.json',
  '/nix/store/8cvwjrgrzy6s3hvb2x7yzp0nw1cagz4x-arc/arc.json',
  '/dev/fd/3',
  '家/arc.json',
  'eyes/arc',
])('is a path: %s', (text) => {
  expect(pathFault(text)).toBeUndefined();
});
