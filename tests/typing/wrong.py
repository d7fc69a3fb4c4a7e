"""Mistakes that a type checker has to see; each line says by which error. This file is only checked, never run."""

from milvus_magics import DeleteUserForm, Role, Secret, connections, embedded, utility

utility.delete_user("bob")  # E: call-arg
utility.delete_user("bob", b"password")  # E: arg-type
utility.delete_user("bob", None)  # E: arg-type
utility.delete_user("bob", "password", timeout="soon")  # E: arg-type
utility.delete_users(["bob"])  # E: attr-defined
utility.list_user("bob")  # E: call-arg
print(utility.list_usernames().groups)  # E: attr-defined
names: list[int] = utility.list_usernames()  # E: assignment
Role()  # E: call-arg
Role("reader").name = "writer"  # E: misc
Role("reader").add_privileges_to_group("readers", 1)  # E: arg-type
text: str = Secret("text")  # E: assignment
Secret.from_environment("PASSWORD").reveal()  # E: union-attr
connections.connect(password=1)  # E: arg-type
connections.connect(adress="http://localhost:19530")  # E: call-arg
embedded.start(tcp_port="19530")  # E: arg-type
DeleteUserForm(password="password")  # E: call-arg
