// `show(blocks, {dark})` renders one message with slack-blocks-to-jsx, in Slack's style.
import React from "react";
import { createRoot } from "react-dom/client";
import { Message } from "slack-blocks-to-jsx";
import "slack-blocks-to-jsx/dist/style.css";

const root = createRoot(document.getElementById("root"));
const people = { users: [{ id: "U1", name: "Marie-Laure Delacroix" }], channels: [{ id: "C1", name: "marketing" }] };

window.show = (blocks, { dark }) => {
  document.body.style.background = dark ? "#1a1d21" : "#ffffff";
  document.body.dataset.theme = dark ? "dark" : "light";
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  root.render(
    <Message blocks={blocks} name="cm-advisor" logo="data:image/gif;base64,R0lGODlhAQABAIAAAB86XwAAACH5BAAAAAAALAAAAAABAAEAAAICRAEAOw=="
      time={new Date("2026-11-22T09:00:00Z")} data={people} theme={dark ? "dark" : "light"} />,
  );
};
