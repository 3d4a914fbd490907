import { createNodeCrypto } from '../../src/crypto/node.js';
import { describeCrypto } from '../support/crypto-contract.js';

describeCrypto('node', createNodeCrypto);

it('reports its name', () => {
  expect(createNodeCrypto().backend).toBe('node');
});
