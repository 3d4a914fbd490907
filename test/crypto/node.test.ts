import { createNodeCrypto } from '../../src/crypto/node.js';
import { describeCrypto } from '../support/crypto-contract.js';

describeCrypto('node', createNodeCrypto);

it('says what it is', () => {
  expect(createNodeCrypto().backend).toBe('node');
});
