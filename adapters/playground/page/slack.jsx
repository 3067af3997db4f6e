// Slack. Blocks are drawn by slack-blocks-to-jsx; its buttons send nothing by themselves, so clicks are told here by
// their order, which is that of the blocks. Its form fields take no input at all: those of a modal are the browser's.
import { useEffect, useRef, useState } from "react";
import { Message } from "slack-blocks-to-jsx";
import { Author, Composer, Empty, InThread, Log, Modal, Places } from "./common.jsx";

const HOME = "home";

export function SlackPane({ t, theme, state, send }) {
  const [here, setHere] = useState(state.places.find((one) => one.name === "marketing").id);
  const [thread, setThread] = useState(null);
  const place = state.places.find((one) => one.id === here);
  const go = (id) => {
    setHere(id);
    setThread(null);
    if (id === HOME) send("home");
  };
  const places = [
    { id: HOME, label: t("home") },
    ...state.places.map((one) => ({ id: one.id, label: one.kind === "dm" ? state.app.name : `# ${one.name}` })),
  ];
  const messages = state.messages[here] ?? [];
  const draw = { theme, state, t };
  return (
    <section className="pane slack" aria-label="Slack">
      <h2>Slack</h2>
      <Places label={t("slack.places")} places={places} here={here} go={go} />
      {here === HOME ? (
        <div className="log" tabIndex={0} role="region" aria-label={t("home")}>
          {state.home && <Blocks {...draw} blocks={state.home.blocks} press={(found) => send("press", { in: "home", ...found })} />}
        </div>
      ) : (
        <>
          <Log key={here} label={t("messages")} count={messages.length}>
            {!messages.length && place.kind !== "dm" && (
              <Empty words={t("slack.empty")} button={state.commands[0].command}
                start={() => send("type", { place: here, text: state.commands[0].command })} />
            )}
            {messages.map((one) => (
              <article key={one.ts} className={one.thread_ts && one.thread_ts !== one.ts ? "reply" : undefined}>
                <Author name={one.author} bot={one.bot}
                  marks={[one.bot && "APP", one.ephemeral && t("only_you"), one.edited && t("edited")]} />
                {one.blocks.length ? (
                  <Blocks {...draw} blocks={one.blocks}
                    press={(found) => send("press", { in: "message", place: here, ts: one.ts, ...found })} />
                ) : (
                  <Blocks {...draw} blocks={[{ type: "section", text: { type: "mrkdwn", text: one.text } }]} />
                )}
                {!one.ephemeral && (
                  <button className="link" onClick={() => setThread(one.thread_ts ?? one.ts)}>
                    {t("reply")}
                  </button>
                )}
              </article>
            ))}
          </Log>
          {thread && <InThread t={t} leave={() => setThread(null)} />}
          <Composer label={t("slack.write")} button={t("send")}
            placeholder={place?.kind === "dm" ? t("slack.write_dm") : t("slack.write_channel")}
            offers={[...state.commands.map((one) => ({ text: one.command, hint: one.hint, about: one.description })),
              ...(place?.kind === "dm" ? [] : [{ text: `@${state.app.name} check`, about: t("mention") }])]}
            type={(text) => send("type", { place: here, text, thread })}>
            {state.shortcuts.map((one) => (
              <button key={one.id} type="button" title={one.name} aria-label={one.name} onClick={() => send("shortcut", { id: one.id })}>
                ⚡
              </button>
            ))}
          </Composer>
        </>
      )}
      {state.modal && <Form key={state.modal.id} {...draw} modal={state.modal} send={send} />}
    </section>
  );
}

const buttonsOf = (block) =>
  (block.type === "actions" ? block.elements : block.accessory ? [block.accessory] : [])
    .filter((one) => one.type === "button")
    .map((one) => ({ element: one, block_id: block.block_id }));

function Blocks({ blocks, theme, state, press }) {
  const [busy, setBusy] = useState(false);
  const box = useRef(null);
  const held = useRef(false);
  const buttons = blocks.flatMap(buttonsOf);
  // A button that is gone takes the keyboard's place with it: it stays with the message.
  useEffect(() => {
    if (held.current && document.activeElement === document.body) box.current.focus({ preventScroll: true });
    held.current = box.current.contains(document.activeElement);
  });
  const clicked = async (event) => {
    const pressed = event.target.closest(".slack_blocks_to_jsx__button_element");
    const all = [...event.currentTarget.querySelectorAll(".slack_blocks_to_jsx__button_element")];
    const found = buttons[all.indexOf(pressed)];
    if (!found || !press || busy || found.element.url) return;
    const { confirm: asked, action_id } = found.element;
    if (asked && !confirm(`${asked.title.text}\n\n${asked.text.text}`)) return;
    setBusy(true);
    await press({ block_id: found.block_id, action_id });
    setBusy(false);
  };
  // Its own question before a press would be asked beside ours, and answered to nobody.
  const shown = blocks.map((block) =>
    block.type === "actions" ? { ...block, elements: block.elements.map(({ confirm: _, ...one }) => one) } : block,
  );
  const data = { users: state.users, channels: state.places.map(({ id, name }) => ({ id, name })) };
  return (
    <div className="blocks" ref={box} tabIndex={-1} aria-busy={busy} onFocus={() => (held.current = true)} onClick={clicked}>
      <Message blocks={shown} theme={theme} data={data} logo="" name="" withoutWrapper />
    </div>
  );
}

function Form({ modal, t, theme, state, send }) {
  const { view, errors } = modal;
  const [values, setValues] = useState({});
  const put = (block, value) => {
    setValues((before) => ({ ...before, [block.block_id]: value }));
    if (block.dispatch_action) send("press", { in: "modal", block_id: block.block_id, action_id: block.element.action_id, value });
  };
  const submit = (event) => {
    event.preventDefault();
    send("submit", { values });
  };
  return (
    <Modal title={view.title.text} close={() => send("close")} closeLabel={t("close")}>
      <form onSubmit={submit}>
        {view.blocks.map((block) =>
          block.type === "input" ? (
            <Field key={block.block_id} block={block} state={state} error={errors[block.block_id]}
              kept={modal.state[block.block_id]?.[block.element.action_id]} put={(value) => put(block, value)} />
          ) : (
            <Blocks key={block.block_id} blocks={[block]} theme={theme} state={state}
              press={(found) => send("press", { in: "modal", ...found })} />
          ),
        )}
        <footer>
          <button type="button" onClick={() => send("close")}>
            {view.close?.text ?? t("close")}
          </button>
          {view.submit && <button className="primary">{view.submit.text}</button>}
        </footer>
      </form>
    </Modal>
  );
}

function Field({ block, state, error, kept, put }) {
  const { element } = block;
  const chosen = kept?.selected_option?.value ?? kept?.selected_conversation ?? kept?.value ?? "";
  const options = element.options?.map((one) => ({ value: one.value, label: one.text.text }));
  const places = state.places.filter((one) => one.kind === "channel").map((one) => ({ value: one.id, label: `# ${one.name}` }));
  return (
    <fieldset>
      <legend>{block.label.text}</legend>
      {element.type === "radio_buttons" ? (
        options.map((one) => (
          <label key={one.value}>
            <input type="radio" name={block.block_id} defaultChecked={chosen === one.value} onChange={() => put(one.value)} />
            {one.label}
          </label>
        ))
      ) : element.type === "plain_text_input" ? (
        <input aria-label={block.label.text} defaultValue={chosen} onChange={(event) => put(event.target.value)} />
      ) : (
        <select aria-label={block.label.text} defaultValue={chosen} onChange={(event) => put(event.target.value)}>
          <option value="" disabled>
            {element.placeholder?.text ?? "…"}
          </option>
          {(options ?? places).map((one) => (
            <option key={one.value} value={one.value}>
              {one.label}
            </option>
          ))}
        </select>
      )}
      {block.hint && <small>{block.hint.text}</small>}
      {error && (
        <p className="error" role="alert">
          {error}
        </p>
      )}
    </fieldset>
  );
}
