// Slack. slack-blocks-to-jsx renders the blocks. Its buttons have no handlers: a click is mapped to its block by the
// order of the buttons. Its form fields take no input: modals and menus have fields of their own.
import { Fragment, useEffect, useRef, useState } from "react";
import { Message } from "slack-blocks-to-jsx";
import { Author, Composer, Conversations, Empty, InThread, Log, Modal, startOf, useMessageLinks } from "./common.jsx";

const HOME = "home";

const parseLink = (url) => {
  const [, conversation, seconds, fraction] = url.match(/\/archives\/(\w+)\/p(\d{10})(\d+)/) ?? [];
  return conversation && { conversation, message: `${seconds}.${fraction}` };
};

export function SlackPane({ t, theme, state, send }) {
  const [selected, setSelected] = useState(startOf(state));
  const [thread, setThread] = useState(null);
  const conversation = state.conversations.find(({ id }) => id === selected);
  const isDm = conversation?.kind === "dm";
  const select = (id) => {
    setSelected(id);
    setThread(null);
    if (id === HOME) send("home");
  };
  const open = useMessageLinks(parseLink, select);
  const conversations = [
    { id: HOME, label: t("home") },
    ...state.conversations.map(({ id, kind, name }) => ({ id, label: kind === "dm" ? state.app.name : `# ${name}` })),
  ];
  const messages = state.messages[selected] ?? [];
  const shared = { theme, state, t, open };
  return (
    <section className="pane slack" aria-label="Slack">
      <h2>Slack</h2>
      <Conversations label={t("slack.places")} conversations={conversations} selected={selected} select={select} />
      {selected === HOME ? (
        <div className="log" tabIndex={0} role="region" aria-label={t("home")}>
          {state.home && <Blocks {...shared} blocks={state.home.blocks} press={(ids) => send("press", { in: "home", ...ids })} />}
        </div>
      ) : (
        <>
          <Log key={selected} label={t("messages")} count={messages.length}>
            {!messages.length && (
              <Empty t={t} text={t(isDm ? "slack.empty_dm" : "slack.empty")} word={isDm ? t("word") : state.commands[0].command}
                type={(text) => send("type", { conversation: selected, text })} />
            )}
            {messages.map((message) => (
              <article key={message.ts} id={message.ts} tabIndex={-1} className={message.thread_ts && message.thread_ts !== message.ts ? "reply" : undefined}>
                <Author name={message.author} bot={message.bot}
                  labels={[message.bot && "APP", message.ephemeral && t("only_you"), message.edited && t("edited")]} />
                {message.blocks.length ? (
                  <Blocks {...shared} blocks={message.blocks}
                    press={(ids) => send("press", { in: "message", conversation: selected, ts: message.ts, ...ids })} />
                ) : (
                  <Blocks {...shared} blocks={[{ type: "section", text: { type: "mrkdwn", text: message.text } }]} />
                )}
                {!message.ephemeral && (
                  <button className="link" onClick={() => setThread(message.thread_ts ?? message.ts)}>
                    {t("reply")}
                  </button>
                )}
              </article>
            ))}
          </Log>
          {thread && <InThread t={t} leave={() => setThread(null)} />}
          <Composer label={t("slack.write")} button={t("send")}
            placeholder={t(isDm ? "slack.write_dm" : "slack.write_channel")}
            suggestions={[...state.commands.map(({ command, hint, description }) => ({ text: command, hint, about: description })),
              ...(isDm ? [] : [{ text: `@${state.app.name} ${t("word")}`, about: t("mention") }])]}
            type={(text) => send("type", { conversation: selected, text, thread })}>
            {state.shortcuts.map(({ id, name }) => (
              <button key={id} type="button" title={name} aria-label={name} onClick={() => send("shortcut", { id })}>
                ⚡
              </button>
            ))}
          </Composer>
        </>
      )}
      {state.modal && <Form key={state.modal.id} {...shared} modal={state.modal} send={send} />}
    </section>
  );
}

const buttonsOf = (block) =>
  (block.type === "actions" ? block.elements : block.accessory ? [block.accessory] : [])
    .filter(({ type }) => type === "button")
    .map((element) => ({ element, block_id: block.block_id }));

// The blocks in parts: each but the last ends with a block that had a menu as its accessory.
const splitAfterMenus = (blocks) => {
  const parts = [{ blocks: [] }];
  for (const { accessory, ...block } of blocks) {
    const isMenu = accessory?.type === "static_select";
    parts.at(-1).blocks.push(accessory && !isMenu ? { ...block, accessory } : block);
    if (!isMenu) continue;
    parts.at(-1).menu = { ...accessory, block_id: block.block_id };
    parts.push({ blocks: [] });
  }
  return parts;
};

function Blocks({ blocks, theme, state, press, open }) {
  const [busy, setBusy] = useState(false);
  const box = useRef(null);
  const hadFocus = useRef(false);
  const buttons = blocks.flatMap(buttonsOf);
  // When the focused button disappears, move the focus to its message.
  useEffect(() => {
    if (hadFocus.current && document.activeElement === document.body) box.current.focus({ preventScroll: true });
    hadFocus.current = box.current.contains(document.activeElement);
  });
  const act = async (action) => {
    setBusy(true);
    await press(action);
    setBusy(false);
  };
  const buttonAt = (event) => {
    const target = event.target.closest(".slack_blocks_to_jsx__button_element");
    const all = [...event.currentTarget.querySelectorAll(".slack_blocks_to_jsx__button_element")];
    return buttons[all.indexOf(target)];
  };
  // Before the renderer, which opens links in a new window.
  const onClickCapture = (event) => {
    const url = buttonAt(event)?.element.url ?? event.target.closest("a")?.href;
    if (!url || !open?.(url)) return;
    event.preventDefault();
    event.stopPropagation();
  };
  const onClick = async (event) => {
    const button = buttonAt(event);
    if (!button || !press || busy || button.element.url) return;
    const { confirm: question, action_id } = button.element;
    if (question && !confirm(`${question.title.text}\n\n${question.text.text}`)) return;
    await act({ block_id: button.block_id, action_id });
  };
  // Without `confirm`, which the renderer would show as well, and without effect.
  const withoutConfirm = blocks.map((block) =>
    block.type === "actions" ? { ...block, elements: block.elements.map(({ confirm: _, ...rest }) => rest) } : block,
  );
  const data = { users: state.users, channels: state.conversations.map(({ id, name }) => ({ id, name })) };
  return (
    <div className="blocks" ref={box} tabIndex={-1} aria-busy={busy} onFocus={() => (hadFocus.current = true)}
      onClickCapture={onClickCapture} onClick={onClick}>
      {splitAfterMenus(withoutConfirm).map(({ blocks, menu }, index) => (
        <Fragment key={index}>
          {blocks.length > 0 && <Message blocks={blocks} theme={theme} data={data} logo="" name="" withoutWrapper />}
          {menu && (
            <select aria-label={menu.placeholder.text} value="" disabled={busy}
              onChange={({ target }) => act({ block_id: menu.block_id, action_id: menu.action_id, value: target.value })}>
              <option value="" disabled>{menu.placeholder.text}</option>
              {menu.options.map(({ text, value }) => (
                <option key={value} value={value}>{text.text}</option>
              ))}
            </select>
          )}
        </Fragment>
      ))}
    </div>
  );
}

function Form({ modal, t, theme, state, send }) {
  const { view, errors } = modal;
  const [values, setValues] = useState({});
  const change = (block, value) => {
    setValues((values) => ({ ...values, [block.block_id]: value }));
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
              current={modal.state[block.block_id]?.[block.element.action_id]} change={(value) => change(block, value)} />
          ) : (
            <Blocks key={block.block_id} blocks={[block]} theme={theme} state={state}
              press={(ids) => send("press", { in: "modal", ...ids })} />
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

function Field({ block, state, error, current, change }) {
  const { element } = block;
  const value = current?.selected_option?.value ?? current?.selected_conversation ?? current?.value ?? "";
  const options = element.options?.map(({ value, text }) => ({ value, label: text.text }));
  const channels = state.conversations.filter(({ kind }) => kind === "channel").map(({ id, name }) => ({ value: id, label: `# ${name}` }));
  return (
    <fieldset>
      <legend>{block.label.text}</legend>
      {element.type === "radio_buttons" ? (
        options.map((option) => (
          <label key={option.value}>
            <input type="radio" name={block.block_id} defaultChecked={value === option.value} onChange={() => change(option.value)} />
            {option.label}
          </label>
        ))
      ) : element.type === "plain_text_input" ? (
        <input aria-label={block.label.text} defaultValue={value} onChange={(event) => change(event.target.value)} />
      ) : (
        <select aria-label={block.label.text} defaultValue={value} onChange={(event) => change(event.target.value)}>
          <option value="" disabled>
            {element.placeholder?.text ?? "…"}
          </option>
          {(options ?? channels).map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
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
