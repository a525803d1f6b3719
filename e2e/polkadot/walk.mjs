// Walks through a development chain with @polkadot/api and prints what it saw as
// one line of JSON. Usage: node walk.mjs ws://127.0.0.1:PORT
import { ApiPromise, Keyring, WsProvider } from '@polkadot/api';
import { TypeRegistry, Metadata } from '@polkadot/types';
import { u8aConcat, u8aToHex, bnToU8a, stringToU8a } from '@polkadot/util';
import { sha256AsU8a, keccakAsU8a, blake2AsU8a } from '@polkadot/util-crypto';

const u16 = (n) => bnToU8a(n, { bitLength: 16, isLe: true });
const u64 = (n) => bnToU8a(n, { bitLength: 64, isLe: true });

// solve searches a seal that meets a difficulty, read little-endian.
function solve (netuid, blockHash, hotkey, coldkey, difficulty) {
  const prefix = u8aConcat(stringToU8a('subtensor-pow-register-v1'), u16(netuid), blockHash, hotkey, coldkey);
  const target = (2n ** 256n - 1n) / difficulty;
  for (let nonce = 0n; ; nonce++) {
    const seal = keccakAsU8a(sha256AsU8a(u8aConcat(prefix, u64(nonce))));
    if (BigInt(u8aToHex(seal.slice().reverse())) <= target) {
      return { nonce, seal };
    }
  }
}

// included signs, sends and waits for the block; a failed call is an error.
function included (api, tx, signer) {
  return new Promise((resolve, reject) => {
    tx.signAndSend(signer, (result) => {
      if (result.dispatchError) {
        const e = result.dispatchError;
        reject(new Error(e.isModule ? api.registry.findMetaError(e.asModule).name : e.toString()));
      } else if (result.isError) {
        reject(new Error(result.status.toString()));
      } else if (result.status.isInBlock) {
        resolve({ block: result.status.asInBlock.toHex(), events: result.events.map(({ event }) => `${event.section}.${event.method}`) });
      }
    }).catch(reject);
  });
}

const out = {};
const provider = new WsProvider(process.argv[2], false);
await provider.connect();
const api = await ApiPromise.create({ provider, throwOnConnect: true, noInitWarn: true });

out.metadata = api.runtimeMetadata.version;
const v14 = await provider.send('state_getMetadata', []);
out.v14 = new Metadata(new TypeRegistry(), v14).version;
out.spec = `${api.runtimeVersion.specName}/${api.runtimeVersion.specVersion}/${api.runtimeVersion.transactionVersion}`;
out.chain = (await api.rpc.system.chain()).toString();
out.token = `${api.registry.chainTokens[0]}/${api.registry.chainDecimals[0]}/${api.registry.chainSS58}`;
out.errors = {};
for (const name of ['InvalidSeal', 'InvalidDifficulty', 'InvalidWorkBlock']) {
  out.errors[name] = api.errors.subtensorModule[name].meta.index.toNumber();
}

const keyring = new Keyring({ type: 'sr25519', ss58Format: 42 });
const alice = keyring.addFromUri('//Alice');
const stranger = keyring.addFromSeed(blake2AsU8a('bt e2e stranger'));
out.alice = (await api.query.system.account(alice.address)).data.free.toString();
const transfer = api.tx.balances.transferKeepAlive(stranger.address, 5_000_000_000n);
out.fee = (await transfer.paymentInfo(alice)).partialFee.toString();
out.transfer = await included(api, transfer, alice);
out.stranger = (await api.query.system.account(stranger.address)).data.free.toString();

const coldkey = keyring.addFromSeed(blake2AsU8a('bt e2e coldkey'));
const hotkey = keyring.addFromSeed(blake2AsU8a('bt e2e hotkey'));
const before = (await api.call.neuronInfoRuntimeApi.getNeuronsLite(1)).length;
const head = await api.rpc.chain.getHeader();
const difficulty = (await api.query.subtensorModule.difficulty(1)).toBigInt();
const { nonce, seal } = solve(1, head.hash.toU8a(), hotkey.publicKey, coldkey.publicKey, difficulty);
const register = api.tx.subtensorModule.powRegister(1, head.number.toBigInt(), nonce, seal, hotkey.publicKey);
out.register = await included(api, register, coldkey); // the coldkey has nothing

const uid = (await api.query.subtensorModule.uids(1, hotkey.address)).unwrap().toNumber();
const neurons = await api.call.neuronInfoRuntimeApi.getNeurons(1);
const one = (await api.call.neuronInfoRuntimeApi.getNeuron(1, uid)).unwrap();
const graph = (await api.call.subnetInfoRuntimeApi.getMetagraph(1)).unwrap();
out.neuron = {
  uid,
  before,
  after: neurons.length,
  mine: neurons[uid].hotkey.toString() === hotkey.address && neurons[uid].coldkey.toString() === coldkey.address,
  alone: one.hotkey.toString() === hotkey.address && one.uid.toNumber() === uid,
  graph: graph.hotkeys[uid].toString() === hotkey.address && graph.numUids.toNumber() === neurons.length,
  storage: (await api.query.subtensorModule.keys(1, uid)).toString() === hotkey.address &&
    (await api.query.subtensorModule.owner(hotkey.address)).toString() === coldkey.address,
  entries: (await api.query.subtensorModule.uids.entries(1)).length,
  weights: (await api.query.subtensorModule.weights(1, 0)).length === neurons[0].weights.length
};

// The same proof again is refused by the pool.
try {
  await included(api, register, coldkey);
  out.again = 'accepted';
} catch (error) {
  out.again = error.message;
}

await api.disconnect();
console.log(JSON.stringify(out));
