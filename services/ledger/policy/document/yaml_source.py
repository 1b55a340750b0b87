"""YAML read into plain data that remembers, for every field, the line it stands on.

Numbers keep the digits that were written (89.5 is the text '89.5', never a float), dates stay text, and what makes a
file mean two things at once is refused: a key given twice, an alias, a second document.
"""

import yaml

from services.ledger.policy.document.yaml_faults import (
    FULL_WIDTH_COLON,
    FULL_WIDTH_COLON_WORDS,
    YamlFault,
    yaml_fault,
)

TEXT_MAX = 1_000_000
DEPTH_MAX = 40

_TAG = "tag:yaml.org,2002:"


class _Loader(yaml.SafeLoader):
    """Composes nodes only; aliases are refused before they can multiply."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """One node, never an alias."""
        if self.check_event(yaml.AliasEvent):
            event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
            line = event.start_mark.line + 1 if event.start_mark is not None else None
            raise YamlFault(
                line, "", "不支持 YAML 别名, 请写出完整内容", "aliases are not supported: write it out"
            )
        return super().compose_node(parent, index)


def read_yaml(text: str) -> tuple[object, dict[str, int]]:
    """The data, and the line of every field by its JSON pointer; YamlFault where it cannot be read."""
    if len(text) > TEXT_MAX:
        raise YamlFault(None, "", "文件过大", f"the file is larger than {TEXT_MAX} characters")
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
    except (yaml.YAMLError, RecursionError) as error:
        raise yaml_fault(error, text) from None
    lines: dict[str, int] = {}
    return (_plain(node, "", lines, 0) if node is not None else None), lines


def read_own_yaml(text: str) -> object:
    """The data of a text that came with this program and was read by `read_yaml` before it was released.

    The C parser composes it, several times faster, where PyYAML has one; it would follow an alias.
    """
    node = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return _plain(node, "", {}, 0) if node is not None else None


def _plain(node: yaml.Node, pointer: str, lines: dict[str, int], depth: int) -> object:
    lines.setdefault(pointer, node.start_mark.line + 1)
    if depth > DEPTH_MAX:
        raise YamlFault(node.start_mark.line + 1, pointer, "层次过深", "nested too deeply")
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, pointer, lines, depth)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, f"{pointer}/{i}", lines, depth + 1) for i, item in enumerate(node.value)]
    return _scalar(node)


def _mapping(node: yaml.MappingNode, pointer: str, lines: dict[str, int], depth: int) -> dict[str, object]:
    data: dict[str, object] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise YamlFault(line, pointer, "字段名应为文本", "a field name is text")
        key = str(key_node.value)
        child = f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"
        if FULL_WIDTH_COLON.match(key):
            raise YamlFault(line, pointer, *FULL_WIDTH_COLON_WORDS)
        if key != key.strip():
            raise YamlFault(
                line,
                pointer,
                "字段名前后有全角空格，请改用半角空格",
                "a full-width space stands beside the field",
            )
        if key in data:
            raise YamlFault(line, child, "字段重复", "the field is given twice")
        lines[child] = line
        data[key] = _plain(value_node, child, lines, depth + 1)
    return data


def _scalar(node: yaml.Node) -> object:
    value = str(node.value)
    if node.tag == _TAG + "null":
        return None
    if node.tag == _TAG + "bool":
        return value.lower() in ("true", "yes", "on")
    if node.tag == _TAG + "int" and value.isascii() and value.lstrip("-").isdigit() and len(value) < 18:
        return int(value)
    return value
